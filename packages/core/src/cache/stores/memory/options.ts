import type { Clock } from '../../../clock/clock.ts';
import { type Random, systemRandom } from '../../../clock/random.ts';
import { systemClock } from '../../../clock/system-clock.ts';
import { ConfigurationError } from '../../../errors/configuration-error.ts';
import { resolveOptions } from '../../../options/resolve.ts';
import {
  callable,
  count,
  implementing,
  number,
  positiveMilliseconds,
  type Rule,
  type Rules,
} from '../../../options/rules.ts';
import { policyOptionRules } from '../../../policy/policy-base.ts';
import { approximateBytes } from './approximate-bytes.ts';
import type { EvictionPolicy } from './eviction.ts';
import { s3Fifo } from './s3-fifo.ts';

/** Why an entry is there no more. */
export type RemovalCause = 'evicted' | 'expired' | 'idle' | 'too-large' | 'deleted' | 'replaced' | 'cleared';

/** What bounds a memory store, and who leaves when it is full. */
export interface MemoryBounds<Value> {
  /** How many entries it holds at most: an integer of at least 1, or Infinity where `maxBytes` is given; default 10,000. */
  readonly maxEntries?: number | undefined;
  /** How many bytes its keys and values take at most; default: not counted. */
  readonly maxBytes?: number | undefined;
  /** How many bytes an entry takes: 0 or more. Default: a rough count of what is in key and value. */
  readonly sizeOf?: ((value: Value, key: string) => number) | undefined;
  /** Who leaves when it is full: `s3Fifo` (default), `wTinyLfu` or `lru`. */
  readonly eviction?: EvictionPolicy | undefined;
  /** After how many milliseconds without a reader an entry leaves; default: never. */
  readonly idleMs?: number | undefined;
}

/** Options of a {@link MemoryStore}. */
export interface MemoryStoreOptions<Value> extends MemoryBounds<Value> {
  /** How long an entry lives that is set without a time of its own: above 0, or Infinity; default one hour. */
  readonly ttlMs?: number | undefined;
  /** By how much that time varies up and down, so that what came together does not go together; default 0.1. */
  readonly jitterRatio?: number | undefined;
  /** Told of every entry that leaves. It must not throw. */
  readonly onRemoved?: ((key: string, value: Value, cause: RemovalCause) => void) | undefined;
  /** Where it takes the time from; default: the system. */
  readonly clock?: Clock | undefined;
  /** Where it takes random numbers from; default: the system. */
  readonly random?: Random | undefined;
}

/** One hour, ±10 %, 10,000 entries, S3-FIFO. */
const MEMORY_DEFAULTS: {
  readonly maxEntries: 10_000;
  readonly eviction: EvictionPolicy;
  readonly ttlMs: 3_600_000;
  readonly jitterRatio: 0.1;
} = Object.freeze({ maxEntries: 10_000, eviction: s3Fifo, ttlMs: 3_600_000, jitterRatio: 0.1 });

/** A time to live: above 0, or Infinity. */
export function lifetime(): Rule<number> {
  return {
    expected: 'a duration in milliseconds above 0, or Infinity',
    accepts: (value): value is number => typeof value === 'number' && value > 0,
  };
}

/** The rules for {@link MemoryBounds}. */
export const boundRules: Rules<MemoryBounds<never>> = Object.freeze({
  maxEntries: count(1),
  maxBytes: number(1, Number.MAX_SAFE_INTEGER),
  sizeOf: callable<(value: never, key: string) => number>('a function of value and key'),
  eviction: implementing<EvictionPolicy>('an eviction policy such as s3Fifo', 'create'),
  idleMs: positiveMilliseconds(),
});

/** The rules for {@link MemoryStoreOptions}. */
const memoryRules: Rules<MemoryStoreOptions<never>> = Object.freeze({
  ...boundRules,
  ttlMs: lifetime(),
  jitterRatio: number(0, 0.99),
  onRemoved: callable<(key: string, value: never, cause: RemovalCause) => void>(),
  clock: policyOptionRules.clock,
  random: policyOptionRules.random,
});

/** Options of a memory store, complete. */
export interface ResolvedMemoryOptions<Value> {
  readonly maxEntries: number;
  /** Infinity: bytes are not bounded. */
  readonly maxBytes: number;
  /** Undefined where bytes are not bounded. */
  readonly sizeOf: ((value: Value, key: string) => number) | undefined;
  readonly eviction: EvictionPolicy;
  /** Infinity: an entry may be idle for as long as it lives. */
  readonly idleMs: number;
  readonly ttlMs: number;
  readonly jitterRatio: number;
  readonly onRemoved: ((key: string, value: Value, cause: RemovalCause) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws ConfigurationError with all faults at once. */
export function resolveMemoryOptions<Value>(given: MemoryStoreOptions<Value>): ResolvedMemoryOptions<Value> {
  const options = resolveOptions('memoryStore', given as MemoryStoreOptions<never>, MEMORY_DEFAULTS, memoryRules);
  const { maxEntries, maxBytes, eviction, ttlMs, jitterRatio } = options;
  if (maxEntries === Infinity && maxBytes === undefined) {
    const expected = 'a bound, by entries or by maxBytes';
    throw new ConfigurationError([{ path: 'memoryStore.maxEntries', expected, received: 'Infinity' }]);
  }
  return {
    maxEntries,
    maxBytes: maxBytes ?? Infinity,
    sizeOf: maxBytes === undefined ? undefined : (given.sizeOf ?? roughSize),
    eviction,
    idleMs: options.idleMs ?? Infinity,
    ttlMs,
    jitterRatio,
    onRemoved: given.onRemoved,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

function roughSize(value: unknown, key: string): number {
  return approximateBytes(value) + approximateBytes(key);
}
