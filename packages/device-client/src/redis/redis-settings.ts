import type { Clock, Random } from 'breakwater/clock';
import type { RedisKeys } from '../contract/redis-keys.ts';
import type { RedisConnection } from './redis-connection.ts';

/** How the direct way reads and writes. */
export interface RedisSettings {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  /** Whether the keys of a device and those of the registry lie in different slots of a cluster. */
  readonly isSharded: boolean;
  /** For how long a device is kept that is put, in milliseconds, before jitter. */
  readonly ttlMs: number;
  /** How often the log of changes is looked at, in milliseconds. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: Random;
}
