import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe } from '../options/resolve.ts';
import { positiveMilliseconds } from '../options/rules.ts';
import { faultOfCall } from '../pipeline/check-call.ts';
import type { TaskContext, TaskOptions } from './worker-pool-options.ts';

const taskTimeout = positiveMilliseconds();

/** What is wrong with a task as its caller made it. */
export function faultOfTask(fn: unknown, options: TaskOptions | undefined): ConfigurationError | undefined {
  if (typeof fn === 'function' && options === undefined) return undefined;
  const { signal, priority, timeoutMs } = options ?? {};
  if (timeoutMs === undefined || taskTimeout.accepts(timeoutMs)) return faultOfCall(fn, { signal, priority });
  return new ConfigurationError([
    { path: 'execute.timeoutMs', expected: taskTimeout.expected, received: describe(timeoutMs) },
  ]);
}

/** What a mapper of {@link WorkerPool.map} is told; makes a signal only when it is read. */
export class ItemContext {
  readonly index: number;
  private readonly task: TaskContext;

  constructor(index: number, task: TaskContext) {
    this.index = index;
    this.task = task;
  }

  get signal(): AbortSignal {
    return this.task.signal;
  }
}
