import { resolveOptions } from '../../options/resolve.ts';
import {
  count,
  flag,
  implementing,
  integer,
  oneOf,
  positiveMilliseconds,
  type Rule,
  type Rules,
} from '../../options/rules.ts';
import type { Codec } from '../codec/codec.ts';
import type { Compression } from '../codec/compression.ts';
import { jsonCodec } from '../codec/json-codec.ts';
import type { StandardSchema } from '../codec/standard-schema.ts';
import type { GuardPipeline } from '../guard-pipeline.ts';
import type { BusOptions } from './bus.ts';
import type { TierSource } from './tier-store.ts';

/** The tier behind memory, and how it is dealt with. */
export interface SecondTierOptions {
  /** Where the bytes are: `redisStore(…)`, `diskStore(…)`, or one of your own. */
  readonly store: TierSource;
  /** How the processes that share it tell each other of changes; default: they don't, and memory is as old as its times allow. */
  readonly bus?: BusOptions | undefined;
  /** How values become bytes; default {@link jsonCodec}. */
  readonly codec?: Codec | undefined;
  /** Makes large values smaller: `deflate()`, `gzip()`, `brotli()`, `zstd()`; default: nothing does. */
  readonly compression?: Compression | undefined;
  /** From how many bytes on: an integer of at least 0; default 1,024. */
  readonly compressAboveBytes?: number | undefined;
  /** How large a value may be, unpacked; default 64 MiB. */
  readonly maxValueBytes?: number | undefined;
  /** The version of what values look like: an integer from 0 to 2^32 − 1; default 0. A value of another one is a miss. */
  readonly schemaVersion?: number | undefined;
  /** Any Standard Schema validator: a value that it doesn't accept is a miss. */
  readonly decode?: StandardSchema<unknown> | undefined;
  /** How long a load waits for an answer before it goes on without; default 50. */
  readonly softTimeoutMs?: number | undefined;
  /** How long a question may take at all; default 250. */
  readonly hardTimeoutMs?: number | undefined;
  /** How often a tier that is away is pinged; default 200. */
  readonly pingMs?: number | undefined;
  /** How many questions may be under way; who comes on top goes on without. Default 1,000. */
  readonly maxInFlight?: number | undefined;
  /** What `get` does when the tier gives no answer: `miss` (default) or `throw` a TierUnavailableError. */
  readonly onFailure?: 'miss' | 'throw' | undefined;
  /** Whether `set` and `delete` wait for the tier (`through`, default), or it is written soon after (`behind`). */
  readonly write?: 'through' | 'behind' | undefined;
  /** How long writing behind collects; default 100. */
  readonly writeDelayMs?: number | undefined;
  /** How many writings may wait, the last of each key; default 10,000. When there are more, the whole namespace is renewed instead. */
  readonly maxPendingWrites?: number | undefined;
  /** Whether one process at a time loads a key: saves loads, and is no lock. Default false. */
  readonly distributedFlight?: boolean | undefined;
  /** The pipeline under which the store is asked. */
  readonly pipeline?: GuardPipeline | undefined;
}

/** What the second tier does when nothing else is said. */
const SECOND_TIER_DEFAULTS: {
  readonly codec: Codec;
  readonly compressAboveBytes: 1_024;
  readonly maxValueBytes: 67_108_864;
  readonly schemaVersion: 0;
  readonly softTimeoutMs: 50;
  readonly hardTimeoutMs: 250;
  readonly pingMs: 200;
  readonly maxInFlight: 1_000;
  readonly onFailure: 'miss';
  readonly write: 'through';
  readonly writeDelayMs: 100;
  readonly maxPendingWrites: 10_000;
  readonly distributedFlight: false;
} = Object.freeze({
  codec: jsonCodec,
  compressAboveBytes: 1_024,
  maxValueBytes: 67_108_864,
  schemaVersion: 0,
  softTimeoutMs: 50,
  hardTimeoutMs: 250,
  pingMs: 200,
  maxInFlight: 1_000,
  onFailure: 'miss',
  write: 'through',
  writeDelayMs: 100,
  maxPendingWrites: 10_000,
  distributedFlight: false,
});

const validator: Rule<StandardSchema<unknown>> = {
  expected: 'a Standard Schema validator',
  accepts: (value): value is StandardSchema<unknown> =>
    (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value,
};

const bus: Rule<BusOptions> = {
  expected: 'a bus with a source such as redisBus(…)',
  accepts: (value): value is BusOptions => {
    return typeof (value as Partial<BusOptions> | null)?.source?.open === 'function';
  },
};

const rules: Rules<SecondTierOptions> = {
  store: implementing<TierSource>('a store such as redisStore(…)', 'open'),
  bus,
  codec: implementing<Codec>('a codec', 'encode', 'decode'),
  compression: implementing<Compression>('a compression such as deflate()', 'compress'),
  compressAboveBytes: integer(0),
  maxValueBytes: integer(1),
  schemaVersion: integer(0, 2 ** 32 - 1),
  decode: validator,
  softTimeoutMs: positiveMilliseconds(),
  hardTimeoutMs: positiveMilliseconds(),
  pingMs: positiveMilliseconds(),
  maxInFlight: count(1),
  onFailure: oneOf('miss', 'throw'),
  write: oneOf('through', 'behind'),
  writeDelayMs: positiveMilliseconds(),
  maxPendingWrites: integer(1),
  distributedFlight: flag(),
  pipeline: implementing<GuardPipeline>('a pipeline', 'execute'),
};

/** Options of a second tier, complete. */
export type ResolvedTierOptions = ReturnType<typeof resolveTierOptions>;

/** @throws ConfigurationError with all faults at once. */
export function resolveTierOptions(given: SecondTierOptions): Readonly<
  SecondTierOptions & {
    readonly codec: Codec;
    readonly compressAboveBytes: number;
    readonly maxValueBytes: number;
    readonly schemaVersion: number;
    readonly softTimeoutMs: number;
    readonly hardTimeoutMs: number;
    readonly pingMs: number;
    readonly maxInFlight: number;
    readonly onFailure: 'miss' | 'throw';
    readonly write: 'through' | 'behind';
    readonly writeDelayMs: number;
    readonly maxPendingWrites: number;
    readonly distributedFlight: boolean;
  }
> {
  return resolveOptions('cache.secondTier', given, SECOND_TIER_DEFAULTS, rules, ['store']);
}
