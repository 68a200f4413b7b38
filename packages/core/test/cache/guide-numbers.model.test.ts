/** The numbers of docs/cache/guide.md: ten minutes of traffic in virtual time, the same for every step. */
import { readFileSync } from 'node:fs';
import { createCache, type CacheOptions } from 'breakwater/cache';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { expect, it } from 'vitest';

const MINUTE = 60_000;
const CALLS = 30_000;

/** 50 calls a second for 100 products; a load takes 300 ms; minute 5 it fails, minute 7 it takes 3 seconds. */
async function tenMinutes(options: CacheOptions<string> | undefined) {
  const clock = new VirtualClock();
  const random = seededRandom(7);
  const cache = options === undefined ? undefined : createCache<string>({ clock, random: seededRandom(8), ...options });
  const seen = { loads: 0, failed: 0, waited: 0, slowestMs: 0 };
  const load = async (): Promise<string> => {
    seen.loads++;
    const minute = Math.floor(clock.now() / MINUTE);
    await new Promise<void>((resolve) => void clock.setTimer(minute === 7 ? 3_000 : 300, resolve));
    if (minute === 5) throw new Error('down');
    return 'product';
  };
  const ask = async (key: string): Promise<void> => {
    const startedAt = clock.now();
    try {
      await (cache === undefined ? load() : cache.getOrLoad(key, load));
    } catch {
      seen.failed++;
    }
    const tookMs = clock.now() - startedAt;
    if (tookMs > 0) seen.waited++;
    seen.slowestMs = Math.max(seen.slowestMs, tookMs);
  };
  for (let call = 0; call < CALLS; call++) {
    void ask(`product ${Math.floor(random.next() ** 2 * 100)}`);
    await clock.advance(20);
  }
  await clock.advance(10_000);
  return seen;
}

const plain = { ttlMs: 10_000 };
const graceful = { ...plain, staleIfErrorMs: 120_000 };
const cooled = { ...graceful, failureTtlMs: 2_000 };
const background = { ...cooled, staleWhileRevalidateMs: 30_000 };
const steps: [string, CacheOptions<string> | undefined][] = [
  ['no cache', undefined],
  ['1. a cache, `ttlMs: 10_000`', plain],
  ['2. `staleIfErrorMs: 120_000`', graceful],
  ['3. `failureTtlMs: 2_000`', cooled],
  ['4. `softTimeoutMs: 100`', { ...cooled, softTimeoutMs: 100 }],
  ['5. `staleWhileRevalidateMs: 30_000` instead', background],
];

it('are what ten minutes of traffic give', { timeout: 300_000 }, async () => {
  const page = readFileSync(new URL('../../../../docs/cache/guide.md', import.meta.url), 'utf8');
  const told = page.replaceAll(/ +/g, ' ');
  const rows: string[] = [];
  for (const [name, options] of steps) {
    const { loads, failed, waited, slowestMs } = await tenMinutes(options);
    rows.push(`| ${name} | ${[loads, failed, waited, slowestMs].map((n) => n.toLocaleString('en')).join(' | ')} |`);
  }
  expect(rows.filter((row) => !told.includes(row))).toEqual([]);
});
