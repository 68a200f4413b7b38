/** The program of the design about a cache. */
import { createCache } from 'breakwater/cache';
import { expect, expectTypeOf, it } from 'vitest';

interface User {
  readonly id: string;
}

const api = { user: async (id: string, _signal: AbortSignal): Promise<User> => ({ id }) };

it('a cache loads once what it does not have', async () => {
  const cache = createCache<User>({ namespace: 'users', ttlMs: 60_000, maxEntries: 10_000 });
  let loads = 0;
  const get = (key: string): Promise<User> =>
    cache.getOrLoad(
      key,
      (id, { signal }) => {
        loads++;
        expectTypeOf(id).toEqualTypeOf<string>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        return api.user(id, signal);
      },
      { staleWhileRevalidateMs: 30_000, tags: ['users'] },
    );
  const user = await get('7');
  expectTypeOf(user).toEqualTypeOf<User>();
  expect([user, await get('7'), loads]).toEqual([{ id: '7' }, { id: '7' }, 1]);
  await cache.invalidateTags('users');
  await get('7');
  expect(loads).toBe(2);
  cache.on('cache-load', (event) => expectTypeOf(event.durationMs).toEqualTypeOf<number>());
  // @ts-expect-error It tells no such event.
  cache.on('retry', () => undefined);
  await cache.close();
});
