import { describe, expect, it } from 'vitest';
import { cacheOf } from './test-support/cache-of.ts';

describe('looking around', () => {
  it('finds keys by pattern and deletes them', async () => {
    const { cache } = cacheOf();
    await cache.setMany([
      ['user:1', 'a'],
      ['user:2', 'b'],
      ['other', 'c'],
      [['user', 1], 'd'],
      [['user', 1, 'x'], 'e'],
    ]);
    const found = async (pattern: string | string[]) => {
      const keys: unknown[] = [];
      for await (const key of cache.scan(pattern)) keys.push(key);
      return keys;
    };
    expect(await found('user:*')).toEqual(['user:1', 'user:2']);
    expect(await found(['user', '*'])).toEqual([['user', '1']]);
    expect(await found('[a-z]*')).toEqual([]);
    expect(await cache.deleteMatching('user:*')).toBe(2);
    expect([cache.peek('user:1'), cache.peek('other')]).toEqual([undefined, 'c']);
  });

  it('dumps memory as plain data, and takes up what is still good', async () => {
    const { clock, cache } = cacheOf({ staleIfErrorMs: 10_000 });
    await cache.set('short', '1', { ttlMs: 100 });
    await cache.set('long', '2', { tags: ['t'], etag: 'e', ttlMs: Infinity });
    await clock.advance(50);
    const snapshot = JSON.parse(JSON.stringify(cache.dump())) as ReturnType<typeof cache.dump>;
    const other = cacheOf();
    other.clock.jumpWallTime(1_000);
    expect(other.cache.load(snapshot)).toBe(2);
    expect([other.cache.peek('short'), other.cache.peek('long')]).toEqual([undefined, '2']);
    await other.cache.invalidateTags('t');
    expect(other.cache.peek('long')).toBeUndefined();
    expect(() => other.cache.load({ ...snapshot, format: 2 as 1 })).toThrow(RangeError);
  });

  it('inspects a key without using it', async () => {
    const { clock, cache } = cacheOf({ staleIfErrorMs: 500 });
    await cache.set('a', 'x', { tags: ['t'] });
    await clock.advance(200);
    expect(await cache.inspect('a')).toEqual({
      value: 'x',
      tier: 'memory',
      ageMs: 200,
      freshMs: 800,
      remainingMs: 1_300,
      tags: ['t'],
      etag: undefined,
      version: 0,
    });
    expect([await cache.inspect('b'), cache.statistics.memoryHits]).toEqual([undefined, 0]);
  });

  it('tells its events, and goes on when a listener throws', async () => {
    const { cache } = cacheOf({ name: 'users' });
    const heard: string[] = [];
    cache.on('*', ({ type, policy, key }) => {
      heard.push([type, policy, key].join(' '));
      throw new Error('bug');
    });
    await cache.getOrLoad('a', () => 'x');
    await cache.getOrLoad('a', () => 'x');
    expect(heard).toContain('cache-load users a');
    expect(heard).toContain('cache-hit users a');
    expect(heard).toContain('hook-failed users a');
  });
});
