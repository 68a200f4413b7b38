import { seededRandom, VirtualClock } from 'breakwater/clock';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fenced, START_MS } from '../test-support/readings.ts';
import { storeSuite } from '../test-support/store-suite.ts';
import { sqliteStore } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'device-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let clock = new VirtualClock({ wallTimeMs: START_MS });

storeSuite({
  name: 'sqlite',
  make: (ttlMs) => {
    clock = new VirtualClock({ wallTimeMs: START_MS });
    return Promise.resolve(sqliteStore({ path: ':memory:', ttlMs, clock, random: seededRandom(1) }));
  },
  elapse: (ms) => clock.advance(ms).then(() => undefined),
  shortTtlMs: 10_000,
  propertyRuns: 100,
});

describe('the file of the embedded store', () => {
  it('holds what was confirmed when it is opened again, and its positions', async () => {
    const path = join(folder, 'again', 'devices.sqlite');
    const first = sqliteStore({ path });
    await first.write([fenced('s1', 0)]);
    const { position } = await first.changesSince(undefined, 10);
    await first.advance('topic', [{ partition: 0, from: undefined, to: 12 }]);
    await first.close();
    const second = sqliteStore({ path });
    expect((await second.get(['s1']))[0]?.readingCount).toBe(1);
    expect(await second.changesSince(position, 10)).toEqual({ changes: [], position });
    expect(await second.progress('topic')).toEqual(new Map([[0, 12]]));
    await second.close();
  });

  it('is not opened twice', async () => {
    const path = join(folder, 'twice.sqlite');
    const first = sqliteStore({ path });
    expect(() => sqliteStore({ path })).toThrow(/another process has it open/);
    await first.close();
  });

  it('is refused when it is no database', () => {
    const path = join(folder, 'text.sqlite');
    writeFileSync(path, 'this is no database, and long enough for SQLite to look at its header');
    expect(() => sqliteStore({ path })).toThrow(/not a database/);
  });

  it('does not know positions of another file', async () => {
    const [one, other] = [sqliteStore({ path: ':memory:' }), sqliteStore({ path: ':memory:' })];
    await one.write([fenced('s1', 0)]);
    const { position } = await one.changesSince(undefined, 1);
    expect(await other.changesSince(position, 1)).toMatchObject({ lost: 'unknown-position' });
    await Promise.all([one.close(), other.close()]);
  });

  it('says that it is not available once it is closed, and not that there are no devices', async () => {
    const store = sqliteStore({ path: ':memory:' });
    await store.close();
    await expect(store.get(['s1'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.write([fenced('s1', 0)])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
