import { describe, expect, it, vi } from 'vitest';
import { cacheOf, down } from './test-support/cache-of.ts';

describe('wrap and decorator', () => {
  it('keep the answers of a function by the key of its parameters', async () => {
    const { cache } = cacheOf();
    const fetchUser = vi.fn(async (id: number, _lang?: string) => `user ${id}`);
    const user = cache.wrap(fetchUser, (id, lang) => ['user', id, lang ?? '']);
    expect([await user(1), await user(1), await user(1, 'de')]).toEqual(['user 1', 'user 1', 'user 1']);
    expect(fetchUser).toHaveBeenCalledTimes(2);
    await expect(cache.wrap(fetchUser, down)(1)).rejects.toThrow('down');
  });

  it('decorate a method, with the object that it is called on', async () => {
    const { cache } = cacheOf();
    const decorate = cache.decorator(function (this: { tenant: string }, id: number) {
      return [this.tenant, id];
    });
    const load = decorate(async function (this: { tenant: string }, id: number) {
      return `${this.tenant} ${id}`;
    });
    expect([await load.call({ tenant: 'x' }, 1), await load.call({ tenant: 'y' }, 1)]).toEqual(['x 1', 'y 1']);
    expect(cache.peek(['x', 1])).toBe('x 1');
  });
});
