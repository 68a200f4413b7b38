import type { Clock } from '../clock/clock.ts';
import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { describe, type Resolved, resolveOptions } from '../options/resolve.ts';
import { anything, count, either, flag, oneOf, type Rule, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import type { KeyList } from './access.ts';
import {
  completeLimit,
  type LimitOptions,
  limitRules,
  type LimitTerms,
  type ResolvedLimit,
  resolveLimit,
} from './limit-options.ts';
import type { OnFull } from './queue/queue-room.ts';

/** What every limiter is told beside its limits, wherever it counts. */
export interface CommonLimiterSettings {
  /** Whom no limit concerns: keys, or a function that tells. */
  readonly allow?: KeyList | undefined;
  /** Who is always refused: keys, or a function that tells; stronger than `allow`. */
  readonly deny?: KeyList | undefined;
  /** True: counts and tells what it would refuse, and refuses nothing; default false. */
  readonly shadow?: boolean | undefined;
  /** Its name in decisions, events and errors; default `rate-limit`. */
  readonly name?: string | undefined;
}

/** What a local limiter is told beside its limits. */
export interface LimiterSettings extends CommonLimiterSettings {
  /** How many keys each limit remembers at most: an integer of at least 1, or Infinity; default 100,000. */
  readonly maxKeys?: number | undefined;
  /** How many requests may wait at a time, over all keys: an integer of at least 0, or Infinity; default 10,000. */
  readonly maxQueue?: number | undefined;
  /** What those who wait may cost together, in each limit or by the name of a limit; default Infinity. */
  readonly maxQueueCost?: number | Readonly<Record<string, number>> | undefined;
  /**
   * What happens when a request finds the queue full: with `reject` it is refused; with `drop-oldest` whoever has waited
   * longest of those no more urgent goes; with `drop-lowest` the latest of the least urgent goes, if less urgent.
   * Default `reject`.
   */
  readonly onFull?: OnFull | undefined;
  /** How many reservations may be held at a time: an integer of at least 0; default 10,000. */
  readonly maxReservations?: number | undefined;
  /** Where it takes the time from; default: the first pipeline that it is put into, otherwise the system. */
  readonly clock?: Clock | undefined;
}

/** Options of a local limiter with one limit. */
export interface OneLimitOptions extends LimitTerms, LimiterSettings {}

/** Options of a local limiter with several limits, which let a request through together or not at all. */
export interface SeveralLimitsOptions extends LimiterSettings {
  /** The limits: at least one, each with a name of its own. */
  readonly limits: readonly LimitOptions[];
}

/** Options of a local rate limiter. */
export type RateLimiterOptions = OneLimitOptions | SeveralLimitsOptions;

/** What a limiter has when nothing else is said. */
export const RATE_LIMITER_DEFAULTS: Readonly<
  Required<Pick<OneLimitOptions, 'maxKeys' | 'maxQueue' | 'onFull' | 'maxReservations' | 'shadow'>>
> & { readonly name: string } = Object.freeze({
  maxKeys: 100_000,
  maxQueue: 10_000,
  onFull: 'reject',
  maxReservations: 10_000,
  shadow: false,
  name: 'rate-limit',
});

const listOfKeys: Rule<KeyList> = {
  expected: 'a list of keys, or a function',
  accepts: (value): value is KeyList =>
    typeof value === 'function' || (Array.isArray(value) && value.every((key) => typeof key === 'string')),
};

const settingRules: Rules<LimiterSettings> = {
  maxKeys: count(1),
  maxQueue: count(0),
  maxQueueCost: either(count(0), anything<Readonly<Record<string, number>>>()),
  onFull: oneOf('reject', 'drop-oldest', 'drop-lowest'),
  maxReservations: count(0),
  allow: listOfKeys,
  deny: listOfKeys,
  shadow: flag(),
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
};

const limitList: Rule<readonly LimitOptions[]> = {
  expected: 'a list of at least one limit',
  accepts: (value): value is readonly LimitOptions[] => Array.isArray(value) && value.length > 0,
};

const oneLimitRules: Rules<OneLimitOptions> = { ...limitRules, ...settingRules };
const severalLimitsRules: Rules<SeveralLimitsOptions> = { ...settingRules, limits: limitList };

/** What every limiter has been told, complete and possible. */
export interface ResolvedCommonOptions {
  readonly limits: readonly ResolvedLimit[];
  readonly allow: KeyList | undefined;
  readonly deny: KeyList | undefined;
  readonly shadow: boolean;
  readonly name: string;
  readonly clock: Clock | undefined;
}

/** Options of a local limiter, complete and possible. */
export interface ResolvedLimiterOptions extends ResolvedCommonOptions {
  readonly maxKeys: number;
  readonly maxQueue: number;
  readonly maxQueueCosts: readonly number[];
  readonly onFull: OnFull;
  readonly maxReservations: number;
}

/** @throws ConfigurationError with all faults at once. */
export function resolveLimiterOptions(given: RateLimiterOptions): ResolvedLimiterOptions {
  const several = typeof given === 'object' && given !== null && 'limits' in given;
  const faults: ConfigurationFault[] = [];
  const parsed = collect(faults, () => (several ? resolveSeveral(given, faults) : resolveOne(given)));
  if (parsed === undefined) throw new ConfigurationError(faults);
  const { limits, ...settings } = parsed;
  const maxQueueCosts = queueCosts(settings.maxQueueCost, limits, faults);
  if (faults.length > 0) throw new ConfigurationError(faults);
  const { maxKeys, maxQueue, onFull, maxReservations, allow, deny, shadow, name, clock } = settings;
  return { limits, maxKeys, maxQueue, maxQueueCosts, onFull, maxReservations, allow, deny, shadow, name, clock };
}

type Settings = Resolved<LimiterSettings, typeof RATE_LIMITER_DEFAULTS>;
type Parsed = Settings & { readonly limits: readonly ResolvedLimit[] };

function resolveOne(given: OneLimitOptions): Parsed {
  const options = resolveOptions('rateLimiter', given, RATE_LIMITER_DEFAULTS, oneLimitRules, ['limit', 'periodMs']);
  return { ...settingsOf(options), limits: [completeLimit('rateLimiter', options)] };
}

function resolveSeveral(given: SeveralLimitsOptions, faults: ConfigurationFault[]): Parsed {
  const options = resolveOptions('rateLimiter', given, RATE_LIMITER_DEFAULTS, severalLimitsRules, ['limits']);
  const limits: ResolvedLimit[] = [];
  for (const [index, each] of options.limits.entries()) {
    const path = `rateLimiter.limits[${index}]`;
    const limit = collect(faults, () => resolveLimit(path, each));
    if (limit === undefined) continue;
    if (limits.some(({ name }) => name === limit.name))
      faults.push({ path: `${path}.name`, expected: 'a name that no other limit has', received: describe(limit.name) });
    limits.push(limit);
  }
  return { ...settingsOf(options), limits };
}

function settingsOf(options: Settings): Settings {
  const { maxKeys, maxQueue, maxQueueCost, onFull, maxReservations, allow, deny, shadow, name, clock } = options;
  return { maxKeys, maxQueue, maxQueueCost, onFull, maxReservations, allow, deny, shadow, name, clock };
}

/** Runs `resolve`; its faults join those found so far. */
export function collect<T>(faults: ConfigurationFault[], resolve: () => T): T | undefined {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

function queueCosts(
  given: LimiterSettings['maxQueueCost'],
  limits: readonly ResolvedLimit[],
  faults: ConfigurationFault[],
): readonly number[] {
  if (given === undefined || typeof given === 'number') return limits.map(() => given ?? Infinity);
  const names = limits.map(({ name }) => name);
  for (const [name, most] of Object.entries(given)) {
    const path = `rateLimiter.maxQueueCost.${name}`;
    if (!names.includes(name))
      faults.push({ path, expected: `one of ${names.join(', ')}`, received: 'an unknown limit' });
    else if (!(most >= 0)) faults.push({ path, expected: 'a number of at least 0', received: describe(most) });
  }
  return names.map((name) => given[name] ?? Infinity);
}
