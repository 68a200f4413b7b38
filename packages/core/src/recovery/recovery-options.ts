import type { ErrorCategory } from '../errors/category.ts';
import type { Classification } from '../errors/classify.ts';
import type { MonotonicMs } from '../clock/clock.ts';
import { callable, implementing, type Rule, type Rules } from '../options/rules.ts';
import type { HookPolicy } from '../policy/policy.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { RecoveryStrategy } from './strategy.ts';

/** One strategy, or several that are asked in this order until one can do something. */
export type Strategies = RecoveryStrategy | readonly RecoveryStrategy[];

/** What a strategy, or a list of them, may give in place of a result. */
export type AddsOf<Given> =
  Given extends RecoveryStrategy<infer Adds>
    ? Adds
    : Given extends readonly RecoveryStrategy<infer Adds>[]
      ? Adds
      : never;

/** Counts how calls end: an error tracker's shape. */
export interface OutcomeCounter {
  success(): unknown;
  failure(error: unknown, facts: OutcomeFacts): unknown;
}

/** What is known about a call that failed, besides its error. */
export interface OutcomeFacts {
  readonly key: string | undefined;
  /** How many times the function was started. */
  readonly attempt: number;
  /** What was done about it: the `kind` of the strategy. */
  readonly context: { readonly recovery: string };
}

/** Options of a recovery. */
export interface RecoveryOptions<By, Otherwise> extends PolicyOptions {
  /** What to do by category of error, such as `rate_limit`, or by code, such as `API_503`, which goes before. */
  readonly by: By;
  /** What to do about all other errors; default: fail. */
  readonly otherwise?: Otherwise | undefined;
  /** Says what kind of trouble an error is, as an error catalog does; default: `classify` of `breakwater/errors`. */
  readonly classify?: ((error: unknown) => Classification) | undefined;
  /**
   * Counts each call once: as a success when its function answered in the end, otherwise as a failure, also where
   * something else stood in for its result. An error tracker fits.
   */
  readonly tracker?: OutcomeCounter | undefined;
}

const strategies: Rule<Strategies> = {
  expected: 'a recovery strategy, or a list of at least one',
  accepts: (value: unknown): value is Strategies =>
    isStrategy(value) || (Array.isArray(value) && value.length > 0 && value.every(isStrategy)),
};

export const recoveryRules: Rules<RecoveryOptions<Readonly<Record<string, Strategies>>, Strategies>> = Object.freeze({
  ...policyOptionRules,
  by: {
    expected: 'an object with a recovery strategy, or a list of them, by category or code',
    accepts: (value: unknown): value is Readonly<Record<string, Strategies>> =>
      typeof value === 'object' && value !== null && Object.values(value).every((given) => strategies.accepts(given)),
  },
  otherwise: strategies,
  classify: callable<(error: unknown) => Classification>('a function of an error'),
  tracker: implementing<OutcomeCounter>('an error tracker', 'success', 'failure'),
});

function isStrategy(value: unknown): boolean {
  const { kind, next } = Object(value) as { readonly kind?: unknown; readonly next?: unknown };
  return typeof kind === 'string' && typeof next === 'function';
}

/** A call goes in again. */
export interface RecoveryRetryEvent {
  /** The kind of the strategy: `retry` or `wait`. */
  readonly strategy: string;
  readonly category: ErrorCategory;
  readonly code: string;
  readonly error: unknown;
  readonly delayMs: number;
  readonly outcome: 'failure';
}

/** Something stood in for the result of a call, or could not be made. */
export interface RecoveredEvent {
  /** The kind of the strategy: `fall-back`, `degrade`, `skip`. */
  readonly strategy: string;
  readonly category: ErrorCategory;
  readonly code: string;
  /** What the call had failed with. */
  readonly error: unknown;
  readonly outcome: 'success' | 'failure';
}

/** Calls begin to get a poorer answer. */
export interface DegradedEvent {
  readonly category: ErrorCategory;
  readonly code: string;
  readonly error: unknown;
}

/** A call was answered by its function again, after others got a poorer answer. */
export interface RestoredEvent {
  /** How long it was otherwise. */
  readonly durationMs: number;
}

/** The events of a recovery. */
export interface RecoveryEvents {
  'recovery-retry': RecoveryRetryEvent;
  recovered: RecoveredEvent;
  degraded: DegradedEvent;
  restored: RestoredEvent;
}

/** Since when, and over what, calls get a poorer answer. */
export interface Degradation {
  readonly category: ErrorCategory;
  readonly code: string;
  readonly since: MonotonicMs;
  /** How many calls got it. */
  readonly calls: number;
}

/** What a recovery has done. */
export interface RecoveryStatistics {
  /** How many calls were answered by their function, at once or in the end. */
  readonly succeeded: number;
  /** How many got something else in place of its result. */
  readonly substituted: number;
  readonly failed: number;
  /** How many times each kind of strategy did something. */
  readonly acted: Readonly<Record<string, number>>;
}

/** A recovery; see {@link recovery}. */
export interface Recovery<Adds> extends HookPolicy<RecoveryEvents, Adds> {
  readonly kind: 'recovery';
  readonly name: string;
  /** Undefined as long as calls get what they should. */
  readonly degradation: Degradation | undefined;
  readonly statistics: RecoveryStatistics;
}
