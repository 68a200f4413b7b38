import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../../../clock/random.ts';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import type { TierStore } from '../../tier/tier-store.ts';
import { diskStore } from './disk-store.ts';
import { readRecord, writtenRecord } from './record.ts';
import { MemoryFiles } from './test-support/memory-files.ts';

let clock: VirtualClock;
let files: MemoryFiles;

/** A platform whose files are these. */
function platformWith(own: MemoryFiles | undefined): void {
  const { process } = globalThis as { readonly process?: { readonly getBuiltinModule?: (name: string) => unknown } };
  const getBuiltinModule = (name: string): unknown =>
    name === 'node:fs/promises' ? own : process?.getBuiltinModule?.(name);
  vi.stubGlobal('process', { ...process, getBuiltinModule });
}

beforeEach(() => {
  clock = new VirtualClock();
  files = new MemoryFiles(clock);
  platformWith(files);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const storeOf = (namespace = 'ns', maxBytes = 100_000): TierStore =>
  diskStore({ directory: 'cache', maxBytes, clock, random: seededRandom(1) }).open(namespace);
const some = Uint8Array.of(1, 2, 3);

async function scanned(store: TierStore, glob: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const portion of store.scan(glob)) keys.push(...portion);
  return keys.toSorted();
}

describe('a directory as second tier', () => {
  it('keeps what is written until its time is up, and counts versions', async () => {
    const store = storeOf();
    const version = await store.write('a', some, 1_000, 0);
    expect((await store.read(['a', 'b'], [])).records).toEqual([
      { version, bytes: some, remainingMs: 1_000 },
      undefined,
    ]);
    expect(await store.write('a', some, 1_000, 0)).toBe(0);
    expect(await store.remove('a', 1_000)).toBe(version + 1);
    expect((await store.read(['a'], [])).records).toEqual([
      { version: version + 1, bytes: undefined, remainingMs: 1_000 },
    ]);
    await clock.advance(1_000);
    expect((await store.read(['a'], [])).records).toEqual([undefined]);
    expect(await store.remove('never written', 1_000)).toBeGreaterThan(0);
  });

  it('gives a tag a generation that holds until it is renewed', async () => {
    const store = storeOf();
    const [first] = (await store.read([], ['t'])).generations;
    expect((await store.read([], ['t', 'u'])).generations[0]).toBe(first);
    await store.renew(['t']);
    expect((await store.read([], ['t'])).generations[0]).not.toBe(first);
  });

  it('discards what is still what it was, and nothing else', async () => {
    const store = storeOf();
    await store.write('a', some, 1_000, undefined);
    await store.discard('a', Uint8Array.of(1, 2, 4));
    await store.discard('a', Uint8Array.of(1, 2));
    await store.discard('b', some);
    expect((await store.read(['a'], [])).records[0]).toBeDefined();
    await store.discard('a', some);
    expect((await store.read(['a'], [])).records[0]).toBeUndefined();
  });

  it('finds keys by a glob, whose escaped characters stand for themselves', async () => {
    const store = storeOf();
    for (const key of ['a*b', 'axb', 'a.b', 'ab']) await store.write(key, some, 1_000, undefined);
    expect(await scanned(store, 'a*b')).toEqual(['a*b', 'a.b', 'ab', 'axb']);
    expect(await scanned(store, String.raw`a\*b`)).toEqual(['a*b']);
    expect(await scanned(store, 'a.b')).toEqual(['a.b']);
  });

  it('leases a key to one at a time, until it is given back or its time is up', async () => {
    const store = storeOf();
    expect([await store.lease('a', 'one', 500), await store.lease('a', 'two', 500)]).toEqual([true, false]);
    await store.release('a', 'two');
    expect(await store.lease('a', 'two', 500)).toBe(false);
    await clock.advance(500);
    expect(await store.lease('a', 'two', 500)).toBe(true);
    await store.release('a', 'two');
    expect(await store.lease('a', 'one', 500)).toBe(true);
  });

  it('has a folder for each namespace, whatever that is called', async () => {
    const odd = '../up and away';
    await storeOf(odd).write('a', some, 1_000, undefined);
    expect((await storeOf(odd).read(['a'], [])).records[0]?.bytes).toEqual(some);
    expect((await storeOf().read(['a'], [])).records[0]).toBeUndefined();
    expect([...files.files.keys()].every((path) => /^cache\/[0-9a-f]{64}\//.test(path))).toBe(true);
  });

  it('makes its folder anew when it could not at first', async () => {
    const store = storeOf();
    files.failing = (operation) => (operation === 'mkdir' ? 'EACCES' : undefined);
    await expect(store.ping()).rejects.toMatchObject({ code: 'EACCES' });
    files.failing = () => undefined;
    await store.ping();
    expect(files.folders).toEqual(new Set(['cache/ns']));
  });

  it('reads on when it can not note that it has read', async () => {
    const store = storeOf();
    await store.write('a', some, 1_000, undefined);
    files.failing = (operation) => (operation === 'utimes' ? 'EROFS' : undefined);
    expect((await store.read(['a'], [])).records[0]?.bytes).toEqual(some);
  });

  it('says that it can not read, which is no missing value', async () => {
    const store = storeOf();
    await store.write('a', some, 1_000, undefined);
    await store.renew(['t']);
    files.failing = (operation) => (operation === 'readFile' ? 'EIO' : undefined);
    await expect(store.read(['a'], [])).rejects.toMatchObject({ code: 'EIO' });
    await expect(store.read([], ['t'])).rejects.toMatchObject({ code: 'EIO' });
    await expect(scanned(store, '*')).rejects.toMatchObject({ code: 'EIO' });
  });

  it('needs a platform with files', () => {
    platformWith(undefined);
    expect(() => storeOf()).toThrow('diskStore: expected a platform with node:fs/promises');
  });
});

describe('the room of a directory', () => {
  const large = new Uint8Array(10_000);

  it('goes first to what is alive: expired values and what dead processes were writing leave', async () => {
    const store = storeOf();
    await store.write('short', large, 500, undefined);
    await files.open('cache/ns/dead.value.x.tmp', 'wx');
    await clock.advance(7_200_000);
    await files.open('cache/ns/alive.value.y.tmp', 'wx');
    for (let n = 0; n < 5; n++) await store.write(`long ${n}`, large, 1_000_000, undefined);
    expect([files.named('.value').length, files.named('dead.value.x.tmp'), files.named('.y.tmp').length]).toEqual([
      5,
      [],
      1,
    ]);
  });

  it('goes next to what was read last, and a file that is gone already fails nobody', async () => {
    const store = storeOf();
    await store.write('key 0', large, 10_000_000, undefined);
    const [used] = files.named('.value');
    let gone = 0;
    // Another process removes what this one is about to look at, or to remove.
    files.failing = (operation, path) => {
      const isTheirs = path.endsWith('.value') && path !== used && (operation === 'stat' || operation === 'unlink');
      if (isTheirs && gone < 5 && files.files.delete(path)) gone++;
      return undefined;
    };
    for (let n = 1; n < 40; n++) {
      await clock.advance(1_000);
      await store.write(`key ${n}`, large, 10_000_000, undefined);
      await store.read(['key 0'], []);
    }
    const bytes = [...files.files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
    expect(bytes).toBeLessThanOrEqual(100_000);
    expect([gone, (await store.read(['key 0'], [])).records[0]?.bytes]).toEqual([5, large]);
  });

  it('is an error where nothing can be removed', async () => {
    const store = storeOf();
    for (let n = 0; n < 5; n++) await store.write(`key ${n}`, large, 10_000_000, undefined);
    files.failing = (operation, path) => (operation === 'unlink' && path.endsWith('.value') ? 'EPERM' : undefined);
    const writing = async (): Promise<void> => {
      for (let n = 5; n < 40; n++) await store.write(`key ${n}`, large, 10_000_000, undefined);
    };
    await expect(writing()).rejects.toMatchObject({ code: 'EPERM' });
  });
});

describe('a file of the directory', () => {
  const record = { key: 'a', version: 7, expiresAt: 9_000, bytes: some };

  it('gives back what was put in', () => {
    expect(readRecord(writtenRecord(record))).toEqual(record);
    expect(readRecord(writtenRecord({ ...record, bytes: undefined }))).toEqual({ ...record, bytes: undefined });
  });

  it('is none of ours when its beginning was torn or changed', () => {
    const whole = writtenRecord(record);
    for (let at = 0; at < 30; at++) {
      const flipped = whole.slice();
      flipped[at]! ^= 1;
      expect(readRecord(flipped)).toBeUndefined();
      expect(readRecord(whole.subarray(0, at))).toBeUndefined();
    }
  });
});
