/** The second tier in a directory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCache, diskStore } from 'breakwater/cache';
import { VirtualClock } from 'breakwater/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-disk-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function cacheOn(options: object = {}, store: object = {}) {
  return createCache<unknown>({
    namespace: 'shared',
    secondTier: { store: diskStore({ directory, ...store }), softTimeoutMs: 2_000, hardTimeoutMs: 5_000 },
    ...options,
  });
}

const valueFiles = async (): Promise<string[]> =>
  (await readdir(join(directory, 'shared'))).filter((name) => name.endsWith('.value'));

describe('a second tier on disk', () => {
  it('gives a new process what an earlier one has set, and forgets what was deleted', async () => {
    const one = cacheOn();
    await one.set('a', { n: 1 }, { tags: ['t'] });
    await one.set('b', 2);
    await one.delete('b');
    await one.close();
    const two = cacheOn();
    expect([await two.get('a'), await two.get('b')]).toEqual([{ n: 1 }, undefined]);
    await two.invalidateTags('t');
    expect(await cacheOn().get('a')).toBeUndefined();
    await two.set('c', 3);
    await two.clear();
    expect(await cacheOn().get('c')).toBeUndefined();
  });

  it('takes a torn or a strange file for a miss', async () => {
    const writer = cacheOn();
    await writer.setMany([
      ['a', 'x'.repeat(1_000)],
      ['b', 'y'.repeat(1_000)],
      ['c', 'z'.repeat(1_000)],
    ]);
    const [cut, flipped, strange] = (await valueFiles()).map((name) => join(directory, 'shared', name));
    await writeFile(cut!, (await readFile(cut!)).subarray(0, 500));
    const bytes = await readFile(flipped!);
    bytes[bytes.length - 7]! ^= 1;
    await writeFile(flipped!, bytes);
    await writeFile(strange!, 'not ours');
    const reader = cacheOn();
    expect(await reader.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, undefined]);
    await reader.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect(await cacheOn().getMany(['a', 'b', 'c'])).toEqual([1, 2, 3]);
  });

  it('stays within its bytes, and lets go of what was not read for longest', async () => {
    const store = { maxBytes: 200_000 };
    const cache = cacheOn({}, store);
    for (let n = 0; n < 60; n++) {
      await cache.set(`key ${n}`, 'x'.repeat(10_000));
      await cacheOn({}, store).get('key 0');
    }
    const sizes = await Promise.all(
      (await valueFiles()).map(async (name) => (await stat(join(directory, 'shared', name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(200_000);
    const reader = cacheOn({}, store);
    expect(await reader.get('key 59')).toBeDefined();
    expect(await reader.get('key 0')).toBeDefined();
    expect(await reader.get('key 1')).toBeUndefined();
  });

  it('writes over the version that is expected only, and keeps nothing beyond its time', async () => {
    const clock = new VirtualClock();
    const source = diskStore({ directory, clock });
    const store = source.open('plain');
    const version = await store.write('a', Uint8Array.of(1), 1_000, 0);
    expect(await store.write('a', Uint8Array.of(2), 1_000, version + 5)).toBe(0);
    const [found] = (await store.read(['a'], [])).records;
    expect([found!.version, [...found!.bytes!], found!.remainingMs]).toEqual([version, [1], 1_000]);
    await clock.advance(1_000);
    expect((await store.read(['a'], [])).records).toEqual([undefined]);
  });

  it('leases to one at a time', async () => {
    const store = diskStore({ directory }).open('leases');
    expect([await store.lease('a', 'one', 1_000), await store.lease('a', 'two', 1_000)]).toEqual([true, false]);
    await store.release('a', 'two');
    expect(await store.lease('a', 'two', 1_000)).toBe(false);
    await store.release('a', 'one');
    expect(await store.lease('a', 'two', 1_000)).toBe(true);
  });

  it('finds and deletes by pattern', async () => {
    await cacheOn().setMany([
      ['user:1', 1],
      ['user:2', 2],
      ['other', 3],
    ]);
    const cache = cacheOn();
    expect(await cache.deleteMatching('user:*')).toBe(2);
    expect(await cacheOn().getMany(['user:1', 'other'])).toEqual([undefined, 3]);
  });

  it('says what is wrong with its options', () => {
    expect(() => diskStore({} as never)).toThrow(/directory/);
  });

  it('survives two processes that write at once and are killed', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 2; round++) {
      const writers = ['one', 'two'].map((name) => {
        const script = new URL('disk-writer.ts', import.meta.url).pathname;
        return spawn(process.execPath, [script, directory, name], { stdio: ['ignore', 'pipe', 'inherit'] });
      });
      await Promise.all(writers.map(({ stdout }) => once(stdout, 'data')));
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const writer of writers) {
        const exited = once(writer, 'exit');
        writer.kill('SIGKILL');
        await exited;
      }
    }
    const cache = cacheOn();
    const values = await cache.getMany(Array.from({ length: 50 }, (_, n) => `key ${n}`));
    const found = values.filter((value) => value !== undefined) as { text: string }[];
    expect(found.length).toBeGreaterThan(10);
    expect(found.every(({ text }) => text.length === 10_000)).toBe(true);
    expect(cache.statistics.poison).toBe(0);
    await cache.set('after', 1);
    expect(await cacheOn().get('after')).toBe(1);
  });
});
