/** A promise with its resolvers. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A function's answer that the test gives when it likes. */
export function deferred<T = string>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** What has become of a promise so far. */
export interface Watched<T> {
  state: 'pending' | 'fulfilled' | 'rejected';
  value: T | undefined;
  error: unknown;
  /** How many times a reaction has run: 1 at most, or promises are broken. */
  settled: number;
}

/** Watches a promise without waiting for it; a rejection counts as handled. */
export function watched<T>(promise: Promise<T>): Watched<T> {
  const seen: Watched<T> = { state: 'pending', value: undefined, error: undefined, settled: 0 };
  promise.then(
    (value) => {
      seen.settled++;
      seen.state = 'fulfilled';
      seen.value = value;
    },
    (error: unknown) => {
      seen.settled++;
      seen.state = 'rejected';
      seen.error = error;
    },
  );
  return seen;
}

/** Lets the microtasks run that a call needs, without a timer. */
export async function microtasks(turns = 30): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

/** What a promise rejects with; fails when it doesn't. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ rejected: false, value }),
    (error: unknown) => ({ rejected: true, value: error }),
  );
  if (!outcome.rejected) throw new Error(`expected a rejection, but it was answered with ${String(outcome.value)}`);
  return outcome.value;
}
