import { VirtualClock } from 'breakwater/testing';
import { describe, expect, it, vi } from 'vitest';
import { NearCache } from './near-cache.ts';

function nearCacheOf(maxEntries: number) {
  const getJson = vi.fn(async ([id]: readonly string[]) => [id === 'missing' ? undefined : JSON.stringify({ id })]);
  return { getJson, nearCache: new NearCache({ getJson } as never, maxEntries, new VirtualClock()) };
}

describe('the near cache of the service', () => {
  it('keeps a device that is only ever read where it is present, while others come and go', async () => {
    const { nearCache, getJson } = nearCacheOf(10);
    await nearCache.get('busy');
    for (let n = 0; n < 100; n++) {
      expect(nearCache.getIfPresent('busy')?.body).toBe('{"id":"busy"}');
      await nearCache.get(`other_${n}`);
    }
    expect(getJson.mock.calls.filter(([[id]]) => id === 'busy')).toHaveLength(1);
  });

  it('counts each question once, whichever way it was answered', async () => {
    const { nearCache } = nearCacheOf(10);
    for (const id of ['a', 'a', 'a', 'missing']) if (nearCache.getIfPresent(id) === undefined) await nearCache.get(id);
    expect(nearCache.hitRatios).toEqual({ near: 0.5, store: 0.5 });
  });

  it('keeps the compressed forms of a device for as long as the device', async () => {
    const { nearCache } = nearCacheOf(10);
    const first = (await nearCache.get('a'))!.forms;
    expect(nearCache.getIfPresent('a')?.forms).toBe(first);
    nearCache.drop('a');
    expect((await nearCache.get('a'))?.forms).not.toBe(first);
  });

  it('has a device no more once it is dropped', async () => {
    const { nearCache } = nearCacheOf(10);
    await nearCache.get('a');
    nearCache.drop('a');
    expect(nearCache.getIfPresent('a')).toBeUndefined();
  });
});
