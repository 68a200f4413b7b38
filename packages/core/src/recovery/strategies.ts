/** What can be done about an error. Each is a value that holds no state of a call, and may serve many policies. */
import type { Random } from '../clock/random.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { isRetryable } from '../gates/retryable.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { callable, either, integer, milliseconds, number, type Rule, type Rules } from '../options/rules.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { RecoveryStep, RecoveryStrategy } from './strategy.ts';

/** Options of {@link retrying}. */
export interface RetryingOptions {
  /** How many calls in all, the first included, while they fail for this strategy: at least 1; default 3. */
  readonly maxAttempts?: number | undefined;
  /**
   * How long to wait before the next one, in milliseconds, or a function of how many have failed, from 1; what it gives
   * is drawn from, between 0 and that. Default: 200, doubling, at most 10,000.
   */
  readonly delayMs?: number | ((failed: number) => number) | undefined;
  /** The longest wait that an error may ask for by its `retryAfterMs`; above it the next strategy is asked. Default 60,000. */
  readonly maxRetryAfterMs?: number | undefined;
}

const retryingRules: Rules<RetryingOptions> = {
  maxAttempts: integer(1),
  delayMs: either(milliseconds(), callable<(failed: number) => number>('a function of how many have failed')),
  maxRetryAfterMs: milliseconds(),
};
const retryingDefaults = Object.freeze({ maxAttempts: 3, maxRetryAfterMs: 60_000 });

/**
 * Calls again, later each time and not in step with others, as long as the error is one that another try may mend.
 * Where the error says when by its `retryAfterMs`, then.
 *
 * @throws ConfigurationError
 */
export function retrying(options: RetryingOptions = {}): RecoveryStrategy<never> {
  const { maxAttempts, delayMs, maxRetryAfterMs } = resolveOptions(
    'retrying',
    options,
    retryingDefaults,
    retryingRules,
  );
  const longest = typeof delayMs === 'number' ? () => delayMs : (delayMs ?? doubling);
  return {
    kind: 'retry',
    next({ error, retryable, retryAfterMs, acted, random }) {
      if (!retryable || !isRetryable(error) || acted + 1 >= maxAttempts) return undefined;
      if (retryAfterMs !== undefined)
        return retryAfterMs > maxRetryAfterMs ? undefined : { do: 'again', delayMs: retryAfterMs };
      return { do: 'again', delayMs: random.next() * atLeastZero(longest(acted + 1)) };
    },
  };
}

const doubling = (failed: number): number => Math.min(10_000, 200 * 2 ** (failed - 1));

/** Options of {@link waiting}. */
export interface WaitingOptions {
  /** How long to wait where the error doesn't say, in milliseconds; default 1,000. */
  readonly waitMs?: number | undefined;
  /** The longest wait that an error may ask for; above it the next strategy is asked at once. Default 60,000. */
  readonly maxWaitMs?: number | undefined;
  /** How many times a call waits: at least 1; default 3. */
  readonly maxWaits?: number | undefined;
  /** By what part of the wait it is longer at most, so that not all who wait come back at once; default 0.1. */
  readonly jitterRatio?: number | undefined;
}

const waitingRules: Rules<WaitingOptions> = {
  waitMs: milliseconds(),
  maxWaitMs: milliseconds(),
  maxWaits: integer(1),
  jitterRatio: number(0, 1),
};
const waitingDefaults = Object.freeze({ waitMs: 1_000, maxWaitMs: 60_000, maxWaits: 3, jitterRatio: 0.1 });

/**
 * Waits as long as the error says by its `retryAfterMs`, never less, and calls again: for limits and open breakers,
 * which know when it makes sense.
 *
 * @throws ConfigurationError
 */
export function waiting(options: WaitingOptions = {}): RecoveryStrategy<never> {
  const { waitMs, maxWaitMs, maxWaits, jitterRatio } = resolveOptions(
    'waiting',
    options,
    waitingDefaults,
    waitingRules,
  );
  const stretched = (ms: number, random: Random): number => ms * (1 + random.next() * jitterRatio);
  return {
    kind: 'wait',
    next({ retryAfterMs, acted, random }) {
      const leastMs = retryAfterMs ?? waitMs;
      if (acted >= maxWaits || leastMs > maxWaitMs) return undefined;
      return { do: 'again', delayMs: stretched(leastMs, random) };
    },
  };
}

/** Makes what a call gives instead of failing, from its error and context. */
export type Substitute<Adds> = (error: unknown, context: ExecutionContext) => Adds | PromiseLike<Adds>;

const substituteRule: Rule<unknown> = callable('a function of an error and a context');

/**
 * Gives an answer from elsewhere that is as good: another source, a replica.
 *
 * @throws ConfigurationError
 */
export function fallingBack<Adds>(make: Substitute<Adds>): RecoveryStrategy<Adds> {
  return substituting('fall-back', make, false);
}

/**
 * Gives a poorer answer: an older value, an empty list. As long as calls get it the policy is `degraded`, which a
 * health check can ask.
 *
 * @throws ConfigurationError
 */
export function degrading<Adds>(make: Substitute<Adds>): RecoveryStrategy<Adds> {
  return substituting('degrade', make, true);
}

function substituting<Adds>(kind: string, make: Substitute<Adds>, degrades: boolean): RecoveryStrategy<Adds> {
  if (!substituteRule.accepts(make)) {
    const path = degrades ? 'degrading' : 'fallingBack';
    throw new ConfigurationError([{ path, expected: substituteRule.expected, received: describe(make) }]);
  }
  const step: RecoveryStep<Adds> = Object.freeze({ do: 'substitute', make, degrades });
  return { kind, next: () => step };
}

/** The type of {@link skipped}. */
export interface Skipped {
  readonly outcome: 'skipped';
}

/** The result of a call that was skipped. */
export const skipped: Skipped = Object.freeze({ outcome: 'skipped' });

/** Where what is skipped is written down, as far as it is needed here; the shape of dead letters. */
export interface DeadLetterSink<Item> {
  add(item: Item, error: unknown, facts?: { readonly key?: string; readonly attempts?: number }): Promise<unknown>;
}

/** Options of {@link skipping}. */
export interface SkippingOptions<Item> {
  /** Writes down what is skipped. What can't be written down is not skipped: the next strategy is asked. Default: nobody. */
  readonly to?: DeadLetterSink<Item> | undefined;
  /** What is written down; default: the key of the call. */
  readonly item?: ((context: ExecutionContext, error: unknown) => Item) | undefined;
}

/**
 * Leaves the call out: it gives {@link skipped}. For batches in which one bad item must not stop the others.
 *
 * @throws ConfigurationError
 */
export function skipping<Item = unknown>(options: SkippingOptions<Item> = {}): RecoveryStrategy<Skipped> {
  const { to, item } = resolveOptions('skipping', options, {}, skippingRules as Rules<SkippingOptions<Item>>);
  const write = async (error: unknown, context: ExecutionContext): Promise<Skipped> => {
    const { key, attempt } = context;
    const written = item === undefined ? (key as Item) : item(context, error);
    // The context is that of the run that would come next.
    await to!.add(written, error, { attempts: Math.max(1, attempt - 1), ...(key === undefined ? {} : { key }) });
    return skipped;
  };
  const step: RecoveryStep<Skipped> = { do: 'substitute', make: to === undefined ? () => skipped : write };
  return { kind: 'skip', next: () => step };
}

const skippingRules: Rules<SkippingOptions<never>> = {
  to: {
    expected: 'dead letters (an object with add)',
    accepts: (value: unknown): value is DeadLetterSink<never> =>
      typeof (value as { readonly add?: unknown } | null)?.add === 'function',
  },
  item: callable<(context: ExecutionContext, error: unknown) => never>('a function of a context and an error'),
};

/** Fails the call with its error, unchanged. */
export function failing(): RecoveryStrategy<never> {
  return { kind: 'fail', next: () => ({ do: 'fail' }) };
}

/** What a function of the user's says of a delay, made a delay. */
function atLeastZero(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
