import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import type { Clock } from '../clock/clock.ts';
import { resolveOptions } from '../options/resolve.ts';
import { count, flag, integer, milliseconds, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';

/** The shortest and the longest period of a limit: 1 ms and 400 days. */
const SHORTEST_PERIOD_MS = 1;
const LONGEST_PERIOD_MS = 34_560_000_000;

/** Beyond this a limiter could not count microseconds exactly: 100 years until it is fresh again. */
const LONGEST_RESET_MS = 100 * 365 * 86_400_000;

/** Options of a local rate limiter. */
export interface RateLimiterOptions {
  /** How many requests of cost 1 a period allows in the long run: an integer of at least 1. */
  readonly limit: number;
  /** How long a period is, in milliseconds: 1 to 400 days. */
  readonly periodMs: number;
  /**
   * How much may come at once after a pause, and the largest cost that fits: an integer of at least 1. Default: the
   * limit; when strict a tenth of it.
   */
  readonly burst?: number | undefined;
  /**
   * False (default): the rate is limit per period, and one period right after a pause admits up to burst + limit.
   * True: the rate is (limit − burst) per period, and no period ever admits more than the limit. Then burst < limit.
   */
  readonly strict?: boolean | undefined;
  /** How many keys it remembers at most: an integer of at least 1, or Infinity; default 100,000. */
  readonly maxKeys?: number | undefined;
  /** How many requests may wait at a time, over all keys: an integer of at least 0, or Infinity; default 10,000. */
  readonly maxQueue?: number | undefined;
  /** Its name in decisions, events and errors; default `rate-limit`. */
  readonly name?: string | undefined;
  /** Where it takes the time from; default: the first pipeline that it is put into, otherwise the system. */
  readonly clock?: Clock | undefined;
}

/** What a limiter has when nothing else is said. */
export const RATE_LIMITER_DEFAULTS: {
  readonly strict: false;
  readonly maxKeys: 100_000;
  readonly maxQueue: 10_000;
  readonly name: string;
} = Object.freeze({ strict: false, maxKeys: 100_000, maxQueue: 10_000, name: 'rate-limit' });

const rules: Rules<RateLimiterOptions> = {
  limit: integer(1),
  periodMs: milliseconds(SHORTEST_PERIOD_MS, LONGEST_PERIOD_MS),
  burst: integer(1),
  strict: flag(),
  maxKeys: count(1),
  maxQueue: count(0),
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
};

/** Options of a limiter, complete and possible. */
export interface ResolvedLimiterOptions {
  readonly limit: number;
  readonly periodMs: number;
  readonly burst: number;
  readonly strict: boolean;
  readonly maxKeys: number;
  readonly maxQueue: number;
  readonly name: string;
  readonly clock: Clock | undefined;
}

/** @throws ConfigurationError with all faults at once. */
export function resolveLimiterOptions(given: RateLimiterOptions): ResolvedLimiterOptions {
  const options = resolveOptions('rateLimiter', given, RATE_LIMITER_DEFAULTS, rules, ['limit', 'periodMs']);
  const { limit, periodMs, strict } = options;
  const burst = options.burst ?? (strict ? Math.max(1, Math.floor(limit / 10)) : limit);
  const faults: ConfigurationFault[] = [];
  if (strict && burst >= limit) {
    const expected =
      limit === 1 ? 'a limit of at least 2 when strict' : `a burst below the limit of ${limit} when strict`;
    const path = limit === 1 ? 'rateLimiter.limit' : 'rateLimiter.burst';
    faults.push({ path, expected, received: String(limit === 1 ? limit : burst) });
  }
  const rate = strict ? Math.max(1, limit - burst) : limit;
  if ((burst * periodMs) / rate > LONGEST_RESET_MS) {
    faults.push({
      path: 'rateLimiter.burst',
      expected: 'a burst that is there again within 100 years',
      received: String(burst),
    });
  } else if (burst * (Math.round(periodMs * 1_000) % rate) > Number.MAX_SAFE_INTEGER) {
    faults.push({
      path: 'rateLimiter.burst',
      expected: 'a burst small enough to count exactly',
      received: String(burst),
    });
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  const { maxKeys, maxQueue, name, clock } = options;
  return Object.freeze({ limit, periodMs, burst, strict, maxKeys, maxQueue, name, clock });
}
