import type { Timer } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import type { RetryBudget } from '../gates/budget.ts';
import { namedWaitMs } from '../gates/named-wait.ts';
import { isRetryable } from '../gates/retryable.ts';
import { describe, resolveOptions, type Resolved } from '../options/resolve.ts';
import type { Outcome } from '../policy/outcome.ts';
import { askHook, PolicyBase } from '../policy/policy-base.ts';
import { AGAIN, type Again, type Call, type HookPolicy, WAIT, type Wait } from '../policy/policy.ts';
import type { BackoffNote } from './backoff.ts';
import { nextDelay } from './delays.ts';
import type { GiveUpReason, RetryEvents } from './events.ts';
import { type BeforeWait, retryDefaults, type RetryOptions, retryRules } from './options.ts';
import {
  countEnd,
  countReason,
  countRetry,
  noRetryCounts,
  type RetryCounts,
  type RetryStatistics,
} from './statistics.ts';

/** A retry; see {@link retry}. */
export interface Retry extends HookPolicy<RetryEvents, never> {
  readonly kind: 'retry';
  readonly name: string;
  readonly statistics: RetryStatistics;
}

/**
 * Runs what is inside again when it fails, after a growing and jittered wait. The last error passes unchanged.
 *
 * An error with a numeric `retryAfterMs` names its own wait, whoever made it. An attempt that the deadline can't fit, or
 * for which the budget has no room, is not begun. An abort during a wait ends the call at once.
 *
 * @throws ConfigurationError
 */
export function retry(options: RetryOptions = {}): Retry {
  return new RetryPolicy(options);
}

/** What is known of a call that has failed at least once. */
class Retrying {
  /** How many attempts have failed. */
  attempt = 0;
  delayMs = 0;
  timer: Timer | undefined = undefined;
  /** Whether a backoff of the user's is computing the delay. */
  generating = false;
  /** What it has computed, until that is looked at. */
  generatedMs: number | undefined = undefined;
  /** Whether the attempt that is under way, or waited for, has been taken from the budget. */
  budgeted = false;
  readonly note: BackoffNote = { value: undefined };
  readonly startedAt: number;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }
}

class RetryPolicy extends PolicyBase implements Retry {
  readonly kind = 'retry';
  readonly waits: boolean;
  readonly options: Resolved<RetryOptions, typeof retryDefaults>;
  private readonly budget: RetryBudget | undefined;
  private readonly counts: RetryCounts = noRetryCounts();

  constructor(given: RetryOptions) {
    const options = resolveOptions('retry', given, retryDefaults, retryRules);
    super('retry', options);
    if (options.minMs > options.backoff.maxMs) {
      const expected = `at most the longest delay of the backoff, ${options.backoff.maxMs}`;
      throw new ConfigurationError([{ path: 'retry.minMs', expected, received: describe(options.minMs) }]);
    }
    this.options = options;
    this.waits = options.maxAttempts > 1 && options.backoff.maxMs > 0;
    this.budget = options.budget;
  }

  get statistics(): RetryStatistics {
    return { ...this.counts, attemptsHistogram: [...this.counts.attemptsHistogram] };
  }

  enter(call: Call, at: number): undefined {
    this.counts.calls++;
    this.budget?.callBegan(call.root);
    // Only a limit on the elapsed time has to know when the call began; otherwise nothing is kept until it fails.
    call.keep(at, this.options.maxElapsedMs === undefined ? undefined : new Retrying(this.clock.now()));
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome | Wait | Again {
    let retrying = call.kept(at) as Retrying | undefined;
    if (retrying?.generatedMs !== undefined) return this.tryAfterGenerated(call, at, retrying, outcome);
    const attempt = (retrying?.attempt ?? 0) + 1;
    if (retrying !== undefined) this.returnToBudget(retrying);
    if (!this.unacceptable(call, outcome, attempt)) {
      this.budget?.attemptEnded(outcome, true);
      return this.passOn(call, outcome, attempt, true);
    }
    if (retrying === undefined) call.keep(at, (retrying = new Retrying(0)));
    retrying.attempt = attempt;
    const reason = this.reasonNotToTry(call, attempt, outcome);
    // A failure that no other attempt can mend says nothing about how the upstream is.
    if (reason !== 'not-retryable') this.budget?.attemptEnded(outcome, false);
    if (reason !== undefined) return this.giveUp(call, attempt, outcome, reason);
    const namedMs = outcome.ok ? undefined : namedWaitMs(outcome.error);
    if (namedMs !== undefined) return this.tryAfterNamed(call, at, retrying, outcome, namedMs);
    const delay = this.nextWait(call, retrying, outcome);
    if (typeof delay === 'number') return this.tryAfter(call, at, retrying, outcome, delay, false);
    return this.generate(call, at, retrying, outcome, delay);
  }

  cancel(call: Call, at: number): void {
    const retrying = call.kept(at) as Retrying | undefined;
    let attempt = 1;
    if (retrying !== undefined) {
      const waits = retrying.timer !== undefined || retrying.generating;
      attempt = retrying.attempt + (waits ? 0 : 1);
      retrying.timer?.cancel();
      retrying.generating = false;
      this.returnToBudget(retrying);
    }
    this.end(call, attempt, false);
  }

  private unacceptable(call: Call, outcome: Outcome, attempt: number): boolean {
    if (!outcome.ok) return true;
    const { retryResultIf } = this.options;
    return (
      retryResultIf !== undefined &&
      askHook(retryResultIf, [outcome.value, attempt], false, (error) =>
        call.hookFailed(this.name, 'retryResultIf', error),
      )
    );
  }

  /** Why there is no further attempt, whatever the wait would be; undefined when there may be. */
  private reasonNotToTry(call: Call, attempt: number, outcome: Outcome): GiveUpReason | undefined {
    const { maxAttempts, retryIf } = this.options;
    if (!outcome.ok) {
      const onError = (error: unknown): void => call.hookFailed(this.name, 'retryIf', error);
      if (!askHook(retryIf ?? isRetryable, [outcome.error, attempt], false, onError)) return 'not-retryable';
    }
    return attempt >= maxAttempts ? 'max-attempts' : undefined;
  }

  /** Why there is no further attempt after this wait; undefined when there is one, which the budget has admitted. */
  private reasonNotToWait(call: Call, at: number, retrying: Retrying, delayMs: number): GiveUpReason | undefined {
    const { maxElapsedMs } = this.options;
    if (call.remainingMs(at) <= delayMs) return 'deadline';
    if (maxElapsedMs !== undefined && this.clock.now() - retrying.startedAt + delayMs > maxElapsedMs)
      return 'max-elapsed';
    if (this.budget === undefined) return undefined;
    retrying.budgeted = this.budget.tryTake();
    return retrying.budgeted ? undefined : 'budget';
  }

  private nextWait(call: Call, retrying: Retrying, outcome: Outcome): number | Promise<number> {
    const step = {
      attempt: retrying.attempt,
      ...whatCame(outcome),
      previousMs: retrying.delayMs,
      random: this.random,
      note: retrying.note,
    };
    return nextDelay(this.options, step, (error) => call.hookFailed(this.name, 'backoff', error));
  }

  /** Waits for a delay that is being computed; whoever ends the call meanwhile need not. */
  private generate(call: Call, at: number, retrying: Retrying, outcome: Outcome, delay: Promise<number>): Wait {
    retrying.generating = true;
    void delay.then((delayMs) => {
      if (!retrying.generating) return;
      retrying.generating = false;
      retrying.generatedMs = delayMs;
      // The outcome comes out to `leave` once more: within a walk, so that a listener can't end the call halfway.
      call.complete(at + 1, outcome);
    });
    return WAIT;
  }

  private tryAfterGenerated(call: Call, at: number, retrying: Retrying, outcome: Outcome): Outcome | Wait | Again {
    const delayMs = retrying.generatedMs!;
    retrying.generatedMs = undefined;
    return this.tryAfter(call, at, retrying, outcome, delayMs, false);
  }

  /** Waits as long as the error asks for, if that is not too long, and no less than the floor. */
  private tryAfterNamed(
    call: Call,
    at: number,
    retrying: Retrying,
    outcome: Outcome,
    namedMs: number,
  ): Outcome | Wait | Again {
    const { minMs, maxRetryAfterMs } = this.options;
    // Whoever has no time for a wait at all has none for this one.
    if (namedMs > (call.sync ? 0 : maxRetryAfterMs))
      return this.giveUp(call, retrying.attempt, outcome, 'retry-after-too-long');
    return this.tryAfter(call, at, retrying, outcome, Math.max(minMs, namedMs), true);
  }

  /** Goes inward again after the delay, unless that can't be. */
  private tryAfter(
    call: Call,
    at: number,
    retrying: Retrying,
    outcome: Outcome,
    delayMs: number,
    serverNamed: boolean,
  ): Outcome | Wait | Again {
    const { attempt } = retrying;
    const reason = this.reasonNotToWait(call, at, retrying, delayMs);
    if (reason !== undefined) return this.giveUp(call, attempt, outcome, reason);
    retrying.delayMs = delayMs;
    countRetry(this.counts, attempt, delayMs);
    if (call.wants('retry')) {
      const error = outcome.ok ? undefined : outcome.error;
      call.emit(this.name, 'retry', { attempt, delayMs, error, serverNamed, outcome: 'failure' });
    }
    this.tellHook(call, attempt, delayMs, outcome);
    if (delayMs === 0) return AGAIN;
    retrying.timer = this.clock.setTimer(delayMs, () => {
      retrying.timer = undefined;
      call.resume(at);
    });
    return WAIT;
  }

  private tellHook(call: Call, attempt: number, delayMs: number, outcome: Outcome): void {
    const { onRetry } = this.options;
    if (onRetry === undefined) return;
    const wait: BeforeWait = { attempt, delayMs, ...whatCame(outcome) };
    const onError = (error: unknown): void => call.hookFailed(this.name, 'onRetry', error);
    try {
      // A hook that is an async function is not waited for, but what it rejects with is told too.
      const result: unknown = onRetry(wait);
      if (result instanceof Promise) result.catch(onError);
    } catch (error) {
      onError(error);
    }
  }

  private giveUp(call: Call, attempt: number, outcome: Outcome, reason: GiveUpReason): Outcome {
    const error = outcome.ok ? undefined : outcome.error;
    if (call.wants('retry-given-up'))
      call.emit(this.name, 'retry-given-up', { attempt, reason, error, outcome: 'failure' });
    countReason(this.counts, reason);
    return this.passOn(call, outcome, attempt, false);
  }

  private passOn(call: Call, outcome: Outcome, attempt: number, acceptable: boolean): Outcome {
    this.end(call, attempt, acceptable);
    return outcome;
  }

  private end(call: Call, attempt: number, acceptable: boolean): void {
    countEnd(this.counts, acceptable, attempt);
    this.budget?.callEnded(call.root);
  }

  private returnToBudget(retrying: Retrying): void {
    if (!retrying.budgeted) return;
    retrying.budgeted = false;
    this.budget!.giveBack();
  }
}

/** What an attempt came to that is tried again, for hooks. */
function whatCame(outcome: Outcome): { readonly error: unknown; readonly result: unknown } {
  return outcome.ok ? { error: undefined, result: outcome.value } : { error: outcome.error, result: undefined };
}
