import type { CacheKey } from './cache-key.ts';

/** Makes the key of a call from everything that its answer depends on. */
export type KeyOf<This, Parameters extends readonly unknown[]> = (this: This, ...parameters: Parameters) => CacheKey;

/** @internal A function that asks `getOrLoad` with the key of its parameters. */
export function wrapped<Value, This, Parameters extends readonly unknown[]>(
  getOrLoad: (key: CacheKey, load: () => Value | PromiseLike<Value>) => Promise<Value>,
  fn: (this: This, ...parameters: Parameters) => Value | PromiseLike<Value>,
  keyOf: KeyOf<This, Parameters>,
): (this: This, ...parameters: Parameters) => Promise<Value> {
  return function cachedCall(this: This, ...parameters: Parameters) {
    try {
      const key = Reflect.apply(keyOf, this, parameters);
      return getOrLoad(key, () => Reflect.apply(fn, this, parameters));
    } catch (error) {
      return Promise.reject(error);
    }
  };
}
