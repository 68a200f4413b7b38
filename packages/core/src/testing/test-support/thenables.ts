/* oxlint-disable unicorn/no-thenable -- these are thenable on purpose */

/** An object whose `then` throws when it is read. */
export function thenTrap(): object {
  return Object.defineProperty({}, 'then', {
    get: () => {
      throw new RangeError('trap');
    },
  });
}

/** A thenable that is no promise. */
export function foreignThenable<T>(value: T): PromiseLike<T> {
  return { then: (resolve: (value: T) => void) => resolve(value) } as unknown as PromiseLike<T>;
}

/** A function that is a thenable too, as proxies of remote objects are. */
export function callableThenable<T>(settle: PromiseLike<T>): () => PromiseLike<T> {
  return Object.assign(() => settle, { then: settle.then.bind(settle) });
}

/** A promise that can't be waited for: its own `then` throws. */
export function brokenPromise(): Promise<string> {
  const promise = Promise.resolve('unreachable');
  return Object.defineProperty(promise, 'then', {
    value: () => {
      throw new RangeError('broken');
    },
  });
}
