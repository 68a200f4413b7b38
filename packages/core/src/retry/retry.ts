import type { Timer } from '../clock/clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe, resolveOptions, type Resolved } from '../options/resolve.ts';
import type { Outcome } from '../policy/outcome.ts';
import { askHook, PolicyBase } from '../policy/policy-base.ts';
import { AGAIN, type Call, type HookPolicy, WAIT, type Wait, type Again } from '../policy/policy.ts';
import type { GiveUpReason, RetryEvents } from './events.ts';
import { type JitterFunction, jitterFunction } from './jitter.ts';
import { retryDefaults, type RetryOptions, retryRules, isRetryable } from './options.ts';

/** What has become of the calls of a retry. */
export interface RetryStatistics {
  /** Calls that have come in. */
  readonly calls: number;
  /** Attempts beyond the first, of all calls together. */
  readonly retries: number;
  readonly succeededFirst: number;
  readonly succeededAfterRetry: number;
  /** Calls that failed for good. */
  readonly failed: number;
  /** What all waits together were meant to take, in milliseconds. */
  readonly totalDelayMs: number;
  /** How many calls ended with their first, second, … attempt; the last counts all beyond. */
  readonly attemptsHistogram: readonly number[];
}

/** A retry; see {@link retry}. */
export interface Retry extends HookPolicy<RetryEvents, never> {
  readonly kind: 'retry';
  readonly name: string;
  readonly statistics: RetryStatistics;
}

/**
 * Runs what is inside again when it fails, after a growing and jittered wait. The last error passes unchanged.
 *
 * An error with a numeric `retryAfterMs` names its own wait, whoever made it. An attempt that the deadline can't fit is
 * not begun. An abort during a wait ends the call at once.
 *
 * @throws ConfigurationError
 */
export function retry(options: RetryOptions = {}): Retry {
  return new RetryPolicy(options);
}

const HISTOGRAM_SIZE = 20;

/** What is known of a call that has failed at least once. */
class Retrying {
  attempt = 0;
  delayMs = 0;
  timer: Timer | undefined = undefined;
  readonly startedAt: number;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }
}

class RetryPolicy extends PolicyBase implements Retry {
  readonly kind = 'retry';
  readonly waits: boolean;
  private readonly options: Resolved<RetryOptions, typeof retryDefaults>;
  private readonly jitter: JitterFunction;
  private readonly histogram: number[] = new Array<number>(HISTOGRAM_SIZE).fill(0);
  private calls = 0;
  private retries = 0;
  private succeededFirst = 0;
  private succeededAfterRetry = 0;
  private failed = 0;
  private totalDelayMs = 0;

  constructor(given: RetryOptions) {
    const options = resolveOptions('retry', given, retryDefaults, retryRules);
    super('retry', options);
    if (options.minMs > options.backoff.maxMs) {
      const expected = `at most the longest delay of the backoff, ${options.backoff.maxMs}`;
      throw new ConfigurationError([{ path: 'retry.minMs', expected, received: describe(options.minMs) }]);
    }
    this.options = options;
    this.waits = options.backoff.maxMs > 0;
    this.jitter = jitterFunction(options.backoff.jittered === true ? 'none' : options.jitter);
  }

  get statistics(): RetryStatistics {
    return {
      calls: this.calls,
      retries: this.retries,
      succeededFirst: this.succeededFirst,
      succeededAfterRetry: this.succeededAfterRetry,
      failed: this.failed,
      totalDelayMs: this.totalDelayMs,
      attemptsHistogram: [...this.histogram],
    };
  }

  enter(call: Call, at: number): undefined {
    this.calls++;
    // Only a limit on the elapsed time has to know when the call began; otherwise nothing is kept until it fails.
    call.keep(at, this.options.maxElapsedMs === undefined ? undefined : new Retrying(this.clock.now()));
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome | Wait | Again {
    let retrying = call.kept(at) as Retrying | undefined;
    const attempt = (retrying?.attempt ?? 0) + 1;
    if (!this.unacceptable(call, outcome, attempt)) return this.passOn(outcome, attempt);
    if (retrying === undefined) call.keep(at, (retrying = new Retrying(0)));
    retrying.attempt = attempt;
    const settled = this.reasonNotToTry(call, attempt, outcome);
    if (settled !== undefined) return this.giveUp(call, attempt, outcome, settled);
    const wanted = outcome.ok ? undefined : serverDelay(outcome.error);
    const delayMs = wanted ?? this.backoff(call, retrying, outcome);
    const reason = this.reasonNotToWait(call, at, retrying, delayMs, wanted !== undefined);
    if (reason !== undefined) return this.giveUp(call, attempt, outcome, reason);
    retrying.delayMs = delayMs;
    return this.again(call, at, retrying, outcome, wanted !== undefined);
  }

  cancel(call: Call, at: number): void {
    const retrying = call.kept(at) as Retrying | undefined;
    const waits = retrying?.timer !== undefined;
    retrying?.timer?.cancel();
    this.count(false, (retrying?.attempt ?? 0) + (waits ? 0 : 1));
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

  /** Why this wait is too long for another attempt; undefined when it isn't. */
  private reasonNotToWait(
    call: Call,
    at: number,
    retrying: Retrying,
    delayMs: number,
    serverNamed: boolean,
  ): GiveUpReason | undefined {
    const { maxRetryAfterMs, maxElapsedMs } = this.options;
    // Whoever has no time for a wait at all has none for this one.
    if (serverNamed && delayMs > (call.sync ? 0 : maxRetryAfterMs)) return 'retry-after-too-long';
    if (call.remainingMs(at) <= delayMs) return 'deadline';
    if (maxElapsedMs !== undefined && this.clock.now() - retrying.startedAt + delayMs > maxElapsedMs)
      return 'max-elapsed';
    return undefined;
  }

  private backoff(call: Call, retrying: Retrying, outcome: Outcome): number {
    const { backoff, minMs } = this.options;
    const error = outcome.ok ? undefined : outcome.error;
    try {
      const delayMs = backoff.delayMs({
        attempt: retrying.attempt,
        error,
        previousMs: retrying.delayMs,
        random: this.random,
      });
      const capped = Math.min(backoff.maxMs, delayMs);
      const jittered = Math.min(capped, this.jitter(capped, this.random));
      if (Number.isNaN(jittered)) throw new RangeError(`the delay is no number: ${delayMs}, with jitter ${jittered}`);
      return Math.max(minMs, jittered);
    } catch (thrown) {
      call.hookFailed(this.name, 'backoff', thrown);
      return Math.max(minMs, backoff.maxMs);
    }
  }

  private again(call: Call, at: number, retrying: Retrying, outcome: Outcome, serverNamed: boolean): Wait | Again {
    const { attempt, delayMs } = retrying;
    const error = outcome.ok ? undefined : outcome.error;
    this.retries++;
    this.totalDelayMs += delayMs;
    if (call.wants('retry'))
      call.emit(this.name, 'retry', { attempt, delayMs, error, serverNamed, outcome: 'failure' });
    try {
      this.options.onRetry?.({ attempt, delayMs, error });
    } catch (thrown) {
      call.hookFailed(this.name, 'onRetry', thrown);
    }
    if (delayMs === 0) return AGAIN;
    retrying.timer = this.clock.setTimer(delayMs, () => {
      retrying.timer = undefined;
      call.resume(at);
    });
    return WAIT;
  }

  private giveUp(call: Call, attempt: number, outcome: Outcome, reason: GiveUpReason): Outcome {
    const error = outcome.ok ? undefined : outcome.error;
    if (call.wants('retry-given-up'))
      call.emit(this.name, 'retry-given-up', { attempt, reason, error, outcome: 'failure' });
    return this.passOn(outcome, attempt);
  }

  private passOn(outcome: Outcome, attempt: number): Outcome {
    this.count(outcome.ok, attempt);
    return outcome;
  }

  private count(ok: boolean, attempt: number): void {
    this.histogram[Math.min(attempt, HISTOGRAM_SIZE) - 1]!++;
    if (!ok) this.failed++;
    else if (attempt === 1) this.succeededFirst++;
    else this.succeededAfterRetry++;
  }
}

/** The wait that an error names, whoever threw it. */
function serverDelay(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { retryAfterMs } = error as { readonly retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined;
}
