import { type Random, systemRandom } from '../../clock/random.ts';
import type { Clock } from '../../clock/clock.ts';
import { ConfigurationError, type ConfigurationFault } from '../../errors/configuration-error.ts';
import { describe, resolveOptions } from '../../options/resolve.ts';
import {
  anything,
  count,
  flag,
  implementing,
  integer,
  milliseconds,
  oneOf,
  positiveMilliseconds,
  type Rules,
  text,
} from '../../options/rules.ts';
import type { LimitOptions, LimitTerms, ResolvedLimit } from '../limit-options.ts';
import {
  collect,
  type CommonLimiterSettings,
  type RateLimiterOptions,
  type ResolvedCommonOptions,
  resolveLimiterOptions,
} from '../options.ts';
import type { LimitStoreSource } from './limit-store.ts';

/**
 * What a shared limiter does while its store is away: `local` decides by this process's share of the limits; `open` lets
 * everything through; `closed` refuses everything, by the name of `store`; `throw` rejects with a LimitStoreError.
 */
export type OnStoreError = 'local' | 'open' | 'closed' | 'throw';

/** What a shared limiter is told beside its limits. */
export interface SharedLimiterSettings extends CommonLimiterSettings {
  /** Where the counts are: `redisLimits(…)`. */
  readonly store: LimitStoreSource;
  /** What sets its keys apart from others in the store. All processes that share the limits have the same. */
  readonly namespace: string;
  /** How many processes share the limits: an integer of at least 1; default 1. It sizes leases, and the share of `local`. */
  readonly instances?: number | undefined;
  /** What happens while the store is away; default `local`. */
  readonly onStoreError?: OnStoreError | undefined;
  /** How long the store has for an answer, in milliseconds above 0; default 50. */
  readonly storeTimeoutMs?: number | undefined;
  /** How often a store that is away is tried, in milliseconds above 0; default 200. */
  readonly pingMs?: number | undefined;
  /** How often a limiter that is used looks whether another process has changed its numbers, in milliseconds above 0; default 1,000. */
  readonly followMs?: number | undefined;
  /** How many questions may be under way at the store at a time: an integer of at least 1; default 1,000. */
  readonly maxInFlight?: number | undefined;
  /**
   * True: takes batches from the store, at most burst / (2 · instances), and decides by what it holds; default false. A
   * period may then admit what is held beyond what the limit promises: at most half the burst in all processes together.
   */
  readonly leased?: boolean | undefined;
  /** After how many milliseconds a lease that nobody used is given back: above 0; default 1,000. */
  readonly leaseMs?: number | undefined;
  /** How many keys it holds leases of at most: an integer of at least 1, or Infinity; default 10,000. */
  readonly maxLeases?: number | undefined;
  /** How many requests of this process may wait at a time, over all keys: an integer of at least 0, or Infinity; default 1,000. */
  readonly maxQueue?: number | undefined;
  /** How many places in time may be held of one key, by all processes, those who wait included: an integer of at least 0; default 1,000. */
  readonly maxReservations?: number | undefined;
  /** Where it takes the time from that it waits by; default: the first pipeline that it is put into, otherwise the system. */
  readonly clock?: Clock | undefined;
  /** Where it takes random numbers from, for the names of reservations; default: the system. */
  readonly random?: Random | undefined;
}

/** Options of a shared limiter with one limit. */
export interface SharedOneLimitOptions extends LimitTerms, SharedLimiterSettings {}

/** Options of a shared limiter with several limits, which let a request through together or not at all. */
export interface SharedSeveralLimitsOptions extends SharedLimiterSettings {
  /** The limits: at least one, each with a name of its own. */
  readonly limits: readonly LimitOptions[];
}

/** Options of a shared rate limiter. */
export type SharedRateLimiterOptions = SharedOneLimitOptions | SharedSeveralLimitsOptions;

/** What a shared limiter has when nothing else is said. */
export const SHARED_RATE_LIMITER_DEFAULTS: Readonly<
  Required<
    Pick<
      SharedOneLimitOptions,
      | 'instances'
      | 'onStoreError'
      | 'storeTimeoutMs'
      | 'pingMs'
      | 'followMs'
      | 'maxInFlight'
      | 'leased'
      | 'leaseMs'
      | 'maxLeases'
      | 'maxQueue'
      | 'maxReservations'
    >
  >
> = Object.freeze({
  instances: 1,
  onStoreError: 'local',
  storeTimeoutMs: 50,
  pingMs: 200,
  followMs: 1_000,
  maxInFlight: 1_000,
  leased: false,
  leaseMs: 1_000,
  maxLeases: 10_000,
  maxQueue: 1_000,
  maxReservations: 1_000,
});

/** Those that a local limiter does not have, or has otherwise. */
type OwnSettings = Omit<SharedLimiterSettings, keyof CommonLimiterSettings | 'clock'>;

const rules: Rules<OwnSettings> = {
  store: implementing<LimitStoreSource>('a store of limits, such as redisLimits makes', 'open'),
  namespace: text(),
  instances: integer(1),
  onStoreError: oneOf('local', 'open', 'closed', 'throw'),
  storeTimeoutMs: positiveMilliseconds(),
  pingMs: positiveMilliseconds(),
  followMs: positiveMilliseconds(),
  maxInFlight: integer(1),
  leased: flag(),
  leaseMs: milliseconds(1),
  maxLeases: count(1),
  maxQueue: count(0),
  maxReservations: count(0),
  random: anything<Random>(),
};

/** Options of a shared limiter, complete and possible. */
export interface ResolvedSharedOptions extends ResolvedCommonOptions {
  readonly store: LimitStoreSource;
  readonly namespace: string;
  readonly instances: number;
  readonly onStoreError: OnStoreError;
  readonly storeTimeoutMs: number;
  readonly pingMs: number;
  readonly followMs: number;
  readonly maxInFlight: number;
  readonly leased: boolean;
  readonly leaseMs: number;
  readonly maxLeases: number;
  readonly maxQueue: number;
  readonly maxReservations: number;
  readonly random: Random;
}

/** @throws ConfigurationError with all faults at once. */
export function resolveSharedOptions(given: SharedRateLimiterOptions): ResolvedSharedOptions {
  const own: Record<string, unknown> = {};
  const ofLimits: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given ?? {})) (Object.hasOwn(rules, key) ? own : ofLimits)[key] = value;
  const faults: ConfigurationFault[] = [];
  const limiter = collect(faults, () => resolveLimiterOptions(ofLimits as never as RateLimiterOptions));
  const settings = collect(faults, () =>
    resolveOptions('sharedRateLimiter', own as never as OwnSettings, SHARED_RATE_LIMITER_DEFAULTS, rules, [
      'store',
      'namespace',
    ]),
  );
  faults.push(...faultsOfForeign(ofLimits));
  if (limiter === undefined || settings === undefined) throw new ConfigurationError(renamed(faults));
  faults.push(...limiter.limits.flatMap(faultsOfUnits));
  if (settings.leased) faults.push(...limiter.limits.flatMap((limit) => faultsOfLease(limit, settings.instances)));
  if (faults.length > 0) throw new ConfigurationError(faults);
  const { limits, allow, deny, shadow, name, clock } = limiter;
  return { ...settings, limits, allow, deny, shadow, name, clock, random: settings.random ?? systemRandom };
}

/** The largest batch that a process may hold of a limit. */
export function largestBatch({ algorithm, burst, limit }: ResolvedLimit, instances: number): number {
  return Math.floor((algorithm.hasBurst ? burst : limit) / (2 * instances));
}

/** Options that a local limiter has and a shared one has not. */
const FOREIGN: readonly string[] = ['maxKeys', 'maxQueueCost', 'onFull'];

function faultsOfForeign(given: Readonly<Record<string, unknown>>): ConfigurationFault[] {
  const expected = 'nothing: a shared limiter has no such option';
  const foreign = FOREIGN.filter((name) => given[name] !== undefined);
  return foreign.map((name) => ({ path: `sharedRateLimiter.${name}`, expected, received: describe(given[name]) }));
}

/** The store counts in whole parts of a millisecond: as many as make up a burst must fit into 62 bits. */
function faultsOfUnits({ algorithm, burst, periodMs }: ResolvedLimit): ConfigurationFault[] {
  if (!algorithm.hasBurst || burst * periodMs < 2 ** 62) return [];
  const expected = 'a burst that the store can count in its period';
  return [{ path: 'sharedRateLimiter.burst', expected, received: String(burst) }];
}

function faultsOfLease(limit: ResolvedLimit, instances: number): ConfigurationFault[] {
  if (largestBatch(limit, instances) >= 1) return [];
  const path = `sharedRateLimiter.${limit.algorithm.hasBurst ? 'burst' : 'limit'}`;
  const expected = `at least ${2 * instances}, two for each instance, to be leased`;
  return [{ path, expected, received: String(limit.algorithm.hasBurst ? limit.burst : limit.limit) }];
}

/** The same faults, under the name that the caller knows. */
function renamed(faults: readonly ConfigurationFault[]): ConfigurationFault[] {
  return faults.map((fault) => ({ ...fault, path: fault.path.replace(/^rateLimiter/, 'sharedRateLimiter') }));
}
