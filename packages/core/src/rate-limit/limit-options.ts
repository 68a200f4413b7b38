import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { flag, implementing, integer, milliseconds, type Rule, type Rules, text } from '../options/rules.ts';
import { gcra } from './algorithms/gcra.ts';
import type { LimitAlgorithm, MeterSettings } from './algorithms/meter.ts';
import { RESERVED_NAMES } from './decision.ts';

/** The shortest and the longest period of a limit: 1 ms and 400 days. */
const SHORTEST_PERIOD_MS = 1;
const LONGEST_PERIOD_MS = 34_560_000_000;

/** Beyond this a limiter could not count microseconds exactly: 100 years until it is fresh again. */
const LONGEST_RESET_MS = 100 * 365 * 86_400_000;

/** The numbers of a limit: what `update` can change. */
export interface LimitNumbers {
  /** How many requests of cost 1 a period allows in the long run: an integer of at least 1. */
  readonly limit: number;
  /** How long a period is, in milliseconds: 1 to 400 days. */
  readonly periodMs: number;
  /**
   * How much may come at once after a pause, and the largest cost that fits: an integer of at least 1; only with GCRA.
   * Default: the limit; when strict a tenth of it.
   */
  readonly burst?: number | undefined;
}

/** What a limit promises, and how it counts. */
export interface LimitTerms extends LimitNumbers {
  /**
   * False (default): the rate is limit per period, and one period right after a pause admits up to burst + limit.
   * True: the rate is (limit − burst) per period, and no period ever admits more than the limit. Then burst < limit;
   * only with GCRA.
   */
  readonly strict?: boolean | undefined;
  /** How it counts: `gcra`, `slidingLog`, `slidingWindow` or `fixedWindow`; default `gcra`. */
  readonly algorithm?: LimitAlgorithm | undefined;
  /**
   * By which parts of a request's key it counts: `'client'`, or `['client', 'endpoint']`, or `[]` for one budget for all.
   * Default: by the whole key.
   */
  readonly per?: string | readonly string[] | undefined;
}

/** One limit of several. */
export interface LimitOptions extends LimitTerms {
  /** Its name in decisions, costs, statistics and errors. */
  readonly name: string;
}

const parts: Rule<string | readonly string[]> = {
  expected: 'the name of a part, or a list of names',
  accepts: (value): value is string | readonly string[] =>
    (typeof value === 'string' && value !== '') ||
    (Array.isArray(value) && value.every((part) => typeof part === 'string' && part !== '')),
};

/** The rules for one limit, but for its name. */
export const limitRules: Rules<LimitTerms> = {
  limit: integer(1),
  periodMs: milliseconds(SHORTEST_PERIOD_MS, LONGEST_PERIOD_MS),
  burst: integer(1),
  strict: flag(),
  algorithm: implementing<LimitAlgorithm>('an algorithm of breakwater/rate-limit', 'createMeter'),
  per: parts,
};

/** One limit, complete and possible. */
export interface ResolvedLimit extends MeterSettings {
  readonly name: string;
  readonly algorithm: LimitAlgorithm;
  readonly per: readonly string[] | undefined;
}

/** One limit of several. @throws ConfigurationError with all its faults at once. */
export function resolveLimit(path: string, given: LimitOptions): ResolvedLimit {
  const rules: Rules<LimitOptions> = { name: text(), ...limitRules };
  return completeLimit(path, resolveOptions(path, given, {}, rules, ['name', 'limit', 'periodMs']));
}

/** The same limit with other numbers, held to the same rules. @throws ConfigurationError with all faults at once. */
export function changedLimit(limit: ResolvedLimit, change: Partial<LimitNumbers>): ResolvedLimit {
  const { name, algorithm, per, strict } = limit;
  const hasOwnBurst = algorithm.hasBurst && limit.burst !== defaultBurst(limit.limit, strict);
  const { limit: most, periodMs, burst } = { ...limit, ...change };
  const numbers = {
    ...change,
    limit: most,
    periodMs,
    ...(change.burst !== undefined || hasOwnBurst ? { burst } : {}),
    ...(algorithm.hasBurst ? { strict } : {}),
  };
  const given = resolveOptions('update', numbers, {}, limitRules, ['limit', 'periodMs']);
  return completeLimit('update', { ...given, name, algorithm, per });
}

function defaultBurst(limit: number, strict: boolean): number {
  return strict ? Math.max(1, Math.floor(limit / 10)) : limit;
}

/**
 * Fills in what was left out, and finds what does not go together.
 *
 * @throws ConfigurationError with all faults at once.
 */
export function completeLimit(path: string, given: LimitTerms & { readonly name: string }): ResolvedLimit {
  const { limit, periodMs, strict = false, algorithm = gcra, name } = given;
  const burst = given.burst ?? defaultBurst(limit, strict);
  const per = typeof given.per === 'string' ? [given.per] : given.per;
  const resolved = { name, limit, periodMs, burst, strict, algorithm, per };
  const faults = [...faultsOfName(path, name), ...faultsOfBurst(path, given, resolved)];
  if (faults.length > 0) throw new ConfigurationError(faults);
  return Object.freeze(resolved);
}

function faultsOfName(path: string, name: string): ConfigurationFault[] {
  if (!RESERVED_NAMES.includes(name)) return [];
  return [{ path: `${path}.name`, expected: `none of ${RESERVED_NAMES.join(', ')}`, received: describe(name) }];
}

function faultsOfBurst(path: string, given: LimitTerms, limit: ResolvedLimit): ConfigurationFault[] {
  if (limit.algorithm.hasBurst) return faultsOfGcra(path, limit);
  const expected = `nothing: ${limit.algorithm.kind} has no burst apart from its limit`;
  const foreign = (['burst', 'strict'] as const).filter((key) => given[key] !== undefined);
  return foreign.map((key) => ({ path: `${path}.${key}`, expected, received: String(given[key]) }));
}

function faultsOfGcra(path: string, { limit, periodMs, burst, strict }: ResolvedLimit): ConfigurationFault[] {
  const faults: ConfigurationFault[] = [];
  if (strict && burst >= limit) {
    const isOne = limit === 1;
    const expected = isOne ? 'a limit of at least 2 when strict' : `a burst below the limit of ${limit} when strict`;
    faults.push({ path: `${path}.${isOne ? 'limit' : 'burst'}`, expected, received: String(isOne ? limit : burst) });
  }
  const rate = strict ? Math.max(1, limit - burst) : limit;
  if ((burst * periodMs) / rate > LONGEST_RESET_MS) {
    const expected = 'a burst that is there again within 100 years';
    faults.push({ path: `${path}.burst`, expected, received: String(burst) });
  } else if (burst * (Math.round(periodMs * 1_000) % rate) > Number.MAX_SAFE_INTEGER) {
    faults.push({ path: `${path}.burst`, expected: 'a burst small enough to count exactly', received: String(burst) });
  }
  return faults;
}
