/** A pool of worker threads, as far as it is needed here: piscina's shape. */
export interface ThreadPool<Task, Result> {
  run(task: Task, options: { readonly signal: AbortSignal; readonly name?: string }): Promise<Result>;
}

/**
 * A mapper for parallelMap and for a worker pool's `map` that runs each item on a thread: for work that needs a
 * processor, which no number of promises makes faster. The signal of the item ends its thread's work.
 *
 * @param name Which function of the thread's file runs; default: its default export.
 */
export function onThreads<Task, Result>(
  threads: ThreadPool<Task, Result>,
  name?: string,
): (task: Task, context: { readonly signal: AbortSignal }) => Promise<Result> {
  return (task, { signal }) => threads.run(task, name === undefined ? { signal } : { signal, name });
}
