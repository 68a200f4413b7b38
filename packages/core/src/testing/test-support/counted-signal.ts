/** An AbortController whose signal counts who listens. */
export interface CountedController {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  /** How many times addEventListener was called. */
  readonly added: number;
  /** How many listeners are on the signal now. */
  readonly listening: number;
}

export function countedController(): CountedController {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  let added = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: never, options?: never) => {
    added++;
    listeners.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: never, options?: never) => {
    listeners.delete(listener);
    remove(type, listener, options);
  };
  return {
    controller,
    signal,
    get added() {
      return added;
    },
    get listening() {
      return listeners.size;
    },
  };
}
