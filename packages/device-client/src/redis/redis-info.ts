import type { RedisPort } from 'breakwater/cache';
import type { Clock } from 'breakwater/clock';
import type { RedisKeys } from '../contract/redis-keys.ts';
import type { CacheInfo } from '../contract/state.ts';
import { listOf, numberOf, scoredOf, textOf } from './reply.ts';

/** What a Redis says of itself and of the registry. In a cluster, memory and hits are those of the node that was asked. */
export async function redisInfo(port: RedisPort, keys: RedisKeys, clock: Clock): Promise<CacheInfo> {
  const now = String(Math.floor(clock.wallTime()));
  const ask = (command: readonly string[], key: string | undefined): Promise<unknown> => port.send(command, { key });
  const [count, oldest, newest, memory, stats] = await Promise.all([
    ask(['ZCOUNT', keys.devices, `(${now}`, '+inf'], keys.devices),
    entryOf(ask, keys, now, 'ZRANGE'),
    entryOf(ask, keys, now, 'ZREVRANGE'),
    ask(['INFO', 'memory'], undefined).then(textOf),
    ask(['INFO', 'stats'], undefined).then(textOf),
  ]);
  const hits = fieldOf(stats, 'keyspace_hits') ?? 0;
  const misses = fieldOf(stats, 'keyspace_misses') ?? 0;
  return {
    store: 'redis',
    devices: numberOf(count),
    memoryBytes: fieldOf(memory, 'used_memory') ?? null,
    oldestEntry: oldest,
    newestEntry: newest,
    hitRatios: { store: hits + misses === 0 ? null : hits / (hits + misses) },
  };
}

/** How many of the registry are looked at together for one that has not expired. */
const STEP = 50;

/** The time of the first device from one end that has not expired; null when there is none. */
async function entryOf(
  ask: (command: readonly string[], key: string) => Promise<unknown>,
  keys: RedisKeys,
  now: string,
  command: 'ZRANGE' | 'ZREVRANGE',
): Promise<string | null> {
  for (let from = 0; ; from += STEP) {
    const range = [command, keys.updated, String(from), String(from + STEP - 1), 'WITHSCORES'];
    const found = scoredOf(await ask(range, keys.updated));
    if (found.length === 0) return null;
    const ids = found.map(({ member }) => member);
    const expiries = listOf(await ask(['ZMSCORE', keys.devices, ...ids], keys.devices));
    const alive = found.find((_, index) => expiries[index] !== null && numberOf(expiries[index]) > Number(now));
    if (alive !== undefined) return new Date(alive.score).toISOString();
  }
}

function fieldOf(info: string, name: string): number | undefined {
  const value = new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1];
  return value === undefined ? undefined : Number(value);
}
