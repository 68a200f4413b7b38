import { ConfigurationError } from '../errors/configuration-error.ts';
import { nodeModule } from '../structures/node-module.ts';

/** What of AsyncLocalStorage is used. */
export interface LocalStorage<Store> {
  run<T>(store: Store, fn: () => T): T;
  getStore(): Store | undefined;
}

interface LocalStorageClass<Store> {
  new (): LocalStorage<Store>;
  /** What surrounds the caller, to run functions in. */
  snapshot(): <T>(fn: () => T) => T;
}

/** @throws ConfigurationError where the platform has none, as browsers. */
export function localStorageClass<Store>(): LocalStorageClass<Store> {
  const hooks = nodeModule<{ readonly AsyncLocalStorage: LocalStorageClass<Store> }>('node:async_hooks');
  if (hooks !== undefined) return hooks.AsyncLocalStorage;
  const expected = 'a platform with AsyncLocalStorage, such as Node, Deno or Bun';
  throw new ConfigurationError([{ path: 'correlation', expected, received: 'another platform' }]);
}
