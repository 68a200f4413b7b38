import type { Random } from '../../../../clock/random.ts';
import { seededRandom } from '../../../../clock/random.ts';
import type { EvictionPolicy } from '../eviction.ts';
import { MemoryStore } from '../memory-store.ts';

/** Items by popularity, the nth drawn in proportion to 1 / n^theta: the generator of YCSB (Gray et al., SIGMOD 1994). */
export function zipf(items: number, theta: number, random: Random): () => number {
  let zeta = 0;
  for (let item = 1; item <= items; item++) zeta += item ** -theta;
  const eta = (1 - (2 / items) ** (1 - theta)) / (1 - (1 + 2 ** -theta) / zeta);
  return () => {
    const u = random.next();
    if (u * zeta < 1) return 0;
    if (u * zeta < 1 + 0.5 ** theta) return 1;
    return Math.floor(items * (eta * u - eta + 1) ** (1 / (1 - theta)));
  };
}

/** `rows` requests of `items` items, one after the other, again and again. */
export function loop(items: number, rows: number): number[] {
  return Array.from({ length: rows }, (_, row) => row % items);
}

/** The share of requests in percent that a store of `maxEntries` answers, from the request `warmUp` on. */
export function hitPercentage(
  eviction: EvictionPolicy,
  maxEntries: number,
  requests: readonly number[],
  warmUp = 0,
): number {
  const store = new MemoryStore<true>({ maxEntries, eviction, ttlMs: Infinity, random: seededRandom(7) });
  let hits = 0;
  for (const [row, item] of requests.entries()) {
    const key = `item:${item}`;
    if (store.get(key) === undefined) store.set(key, true);
    else if (row >= warmUp) hits++;
  }
  return (100 * hits) / (requests.length - warmUp);
}
