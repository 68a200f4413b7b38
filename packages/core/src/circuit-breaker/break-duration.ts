/** How long a breaker stays open: functions for `breakMs`, and what decides when one is asked. */
import type { Random } from '../clock/random.ts';
import { namedWaitMs } from '../gates/named-wait.ts';
import { resolveOptions } from '../options/resolve.ts';
import { number, positiveMilliseconds, type Rule } from '../options/rules.ts';
import { givenAtOnce } from '../policy/policy-base.ts';

/** What a function for the break's duration can go by. */
export interface BreakFacts {
  /** The ratio of failures when the breaker opened, 0 to 1: of its calls, or of its probes when it was half-open. */
  readonly failureRatio: number;
  /** How many failures counted when it opened, of calls or of probes. */
  readonly failureCount: number;
  /** How many times it has been half-open since it was last closed: 0 when it opens for the first time. */
  readonly halfOpenAttempts: number;
  /** The failure that opened it; undefined when none did, as with slow calls, lost probes and forced openings. */
  readonly error: unknown;
}

/** Says how long a breaker stays open, in milliseconds, above 0. */
export type BreakDuration = (facts: BreakFacts) => number;

/** Options of {@link linearBreak}. */
export interface GrowingBreakOptions {
  /** The first break, in milliseconds; default 30,000. */
  readonly initialMs?: number | undefined;
  /** The longest break, in milliseconds; default 300,000. */
  readonly maxMs?: number | undefined;
}

/** Options of {@link exponentialBreak}. */
export interface ExponentialBreakOptions extends GrowingBreakOptions {
  /** By what each break is longer than the one before; at least 1, default 1.5. */
  readonly base?: number | undefined;
}

/** The defaults of {@link exponentialBreak}, and of {@link linearBreak} as far as it has them. */
export const exponentialBreakDefaults: {
  readonly initialMs: number;
  readonly base: number;
  readonly maxMs: number;
} = Object.freeze({ initialMs: 30_000, base: 1.5, maxMs: 300_000 });

const growingRules = Object.freeze({ initialMs: positiveMilliseconds(), maxMs: positiveMilliseconds() });

/**
 * d, 1.5·d, 2.25·d, …: longer with each time that the breaker opens again without having closed.
 *
 * @throws ConfigurationError
 */
export function exponentialBreak(given: ExponentialBreakOptions = {}): BreakDuration {
  const rules = { ...growingRules, base: number(1, Infinity) };
  const { initialMs, base, maxMs } = resolveOptions('exponentialBreak', given, exponentialBreakDefaults, rules);
  return ({ halfOpenAttempts }) => Math.min(maxMs, initialMs * base ** halfOpenAttempts);
}

/**
 * d, 2·d, 3·d, …: longer with each time that the breaker opens again without having closed.
 *
 * @throws ConfigurationError
 */
export function linearBreak(given: GrowingBreakOptions = {}): BreakDuration {
  const { base: _, ...defaults } = exponentialBreakDefaults;
  const { initialMs, maxMs } = resolveOptions('linearBreak', given, defaults, growingRules);
  return ({ halfOpenAttempts }) => Math.min(maxMs, initialMs * (halfOpenAttempts + 1));
}

/**
 * The breaks as they are listed, in milliseconds, the last of them for ever: `steppedBreak([5_000, 30_000, 120_000])`.
 *
 * @throws ConfigurationError
 */
export function steppedBreak(stepsMs: readonly number[]): BreakDuration {
  const options = resolveOptions('steppedBreak', { stepsMs }, {}, { stepsMs: listOfBreaks }, ['stepsMs']);
  const steps = [...options.stepsMs];
  return ({ halfOpenAttempts }) => steps[Math.min(halfOpenAttempts, steps.length - 1)]!;
}

const oneBreak = positiveMilliseconds();
const listOfBreaks: Rule<readonly number[]> = {
  expected: `a list of one or more, each ${oneBreak.expected}`,
  accepts: (value): value is readonly number[] =>
    Array.isArray(value) && value.length > 0 && value.every((element) => oneBreak.accepts(element)),
};

/** What a breaker was told about its breaks. */
export interface BreakOptions {
  readonly breakMs: number | BreakDuration;
  readonly breakJitterRatio: number;
  readonly maxRetryAfterMs: number;
}

/**
 * How long a breaker stays open that opens now: as long as the failure itself asks for, otherwise as it was told, less a
 * jitter. Where it was told a function that fails, `otherwiseMs`, and `onError` is told.
 */
export function chooseBreakMs(
  options: BreakOptions,
  facts: BreakFacts,
  random: Random,
  otherwiseMs: number,
  onError: (error: unknown) => void,
): number {
  const { breakMs, breakJitterRatio, maxRetryAfterMs } = options;
  // No wait at all is no break.
  const namedMs = maxRetryAfterMs > 0 ? namedWaitMs(facts.error) : undefined;
  if (namedMs !== undefined && namedMs > 0) return Math.min(namedMs, maxRetryAfterMs);
  const chosen = typeof breakMs === 'number' ? breakMs : ask(breakMs, facts, otherwiseMs, onError);
  return breakJitterRatio === 0 ? chosen : chosen * (1 - random.next() * breakJitterRatio);
}

function ask(
  breakMs: BreakDuration,
  facts: BreakFacts,
  otherwiseMs: number,
  onError: (error: unknown) => void,
): number {
  try {
    const chosen = givenAtOnce(breakMs(facts), onError);
    if (chosen > 0 && chosen < Infinity) return chosen;
    throw new RangeError(`breakMs returned ${chosen}; expected a number above 0`);
  } catch (error) {
    onError(error);
    return otherwiseMs;
  }
}
