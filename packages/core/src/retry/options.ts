import { budgetRule, type RetryBudget } from '../gates/budget.ts';
import { callable, count, either, milliseconds, oneOf, positiveMilliseconds, type Rules } from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import { type Backoff, backoffRule, exponential } from './backoff.ts';
import type { GeneratedBackoff } from './generated.ts';
import type { Jitter } from './jitter.ts';

/** What is known before a wait. */
export interface BeforeWait {
  /** How many attempts have failed so far, from 1. */
  readonly attempt: number;
  /** How long the wait will be, in milliseconds. */
  readonly delayMs: number;
  /** What the last attempt failed with; undefined when its result was not acceptable. */
  readonly error: unknown;
  /** That result; undefined when the attempt failed. */
  readonly result: unknown;
}

/** Options of a retry. */
export interface RetryOptions extends PolicyOptions {
  /**
   * How many calls in all, the first included: at least 1, which means no retry, or Infinity, which leaves the end to a
   * deadline, a timeout, a signal or `maxElapsedMs`; default 3.
   */
  readonly maxAttempts?: number | undefined;
  /**
   * The waits between attempts: `constant`, `linear`, `exponential`, `fibonacci`, `decorrelated`, `decorrelatedV2`
   * (Polly's), `generated` or a backoff of one's own; default exponential from 1 s, doubling, to 60 s.
   */
  readonly backoff?: Backoff | GeneratedBackoff | undefined;
  /** How the waits are spread, after they are capped and downwards only; default `full`. */
  readonly jitter?: Jitter | undefined;
  /** A floor under every wait, which jitter respects, in milliseconds; at most the cap of the backoff; default 0. */
  readonly minMs?: number | undefined;
  /** The longest wait that an error may ask for by its `retryAfterMs`; above it the call fails at once. Default 60,000. */
  readonly maxRetryAfterMs?: number | undefined;
  /** No attempt is begun when it would start later than so many milliseconds after the first; default: no limit. */
  readonly maxElapsedMs?: number | undefined;
  /**
   * Bounds the retries of all calls together; meant to be shared by the retries and hedges that talk to one upstream.
   * A call for whose retry it has no room fails at once with its last error. Default: none.
   */
  readonly budget?: RetryBudget | undefined;
  /** Whether to try again after this error; default `isRetryable`. */
  readonly retryIf?: ((error: unknown, attempt: number) => boolean) | undefined;
  /** Whether to try again after this result; default: never. */
  readonly retryResultIf?: ((value: unknown, attempt: number) => boolean) | undefined;
  /** Called before each wait. What it returns is not waited for. */
  readonly onRetry?: ((wait: BeforeWait) => void) | undefined;
}

/** The defaults of a retry. */
export const retryDefaults: Readonly<
  Required<Pick<RetryOptions, 'maxAttempts' | 'backoff' | 'jitter' | 'minMs' | 'maxRetryAfterMs'>>
> = Object.freeze({
  maxAttempts: 3,
  backoff: exponential({ initialMs: 1_000, maxMs: 60_000 }),
  jitter: 'full',
  minMs: 0,
  maxRetryAfterMs: 60_000,
});

/** What each option of a retry may be. */
export const retryRules: Rules<RetryOptions> = Object.freeze({
  ...policyOptionRules,
  maxAttempts: count(1),
  backoff: backoffRule,
  jitter: either(oneOf('none', 'full', 'equal'), callable<Exclude<Jitter, string>>('a jitter such as ratio(0.5)')),
  minMs: milliseconds(),
  maxRetryAfterMs: milliseconds(),
  maxElapsedMs: positiveMilliseconds(),
  budget: budgetRule,
  retryIf: callable<(error: unknown, attempt: number) => boolean>(),
  retryResultIf: callable<(value: unknown, attempt: number) => boolean>(),
  onRetry: callable<(wait: BeforeWait) => void>(),
});
