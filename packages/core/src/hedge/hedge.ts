import { type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';
import type { RetryBudget } from '../gates/budget.ts';
import { isRetryable } from '../gates/retryable.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import type { Failure, Outcome } from '../policy/outcome.ts';
import { askHook, PolicyBase } from '../policy/policy-base.ts';
import type { Call, HookPolicy, Wait } from '../policy/policy.ts';
import type { HedgeEvents } from './events.ts';
import { HedgedCall, type HedgingPolicy, type Verdict } from './hedged-call.ts';
import type { DelayEstimate } from './learned-delay.ts';
import { hedgeDefaults, type HedgeOptions, hedgeRules } from './options.ts';
import { type HedgeCounts, type HedgeStatistics, noHedgeCounts } from './statistics.ts';

/** A hedge; see {@link hedge}. */
export interface Hedge extends HookPolicy<HedgeEvents, never> {
  readonly kind: 'hedge';
  readonly name: string;
  /**
   * How long it waits at present before another attempt begins, in milliseconds; undefined where only a failure begins
   * one, also because the delay has not been learned yet.
   */
  readonly delayMs: number | undefined;
  readonly statistics: HedgeStatistics;
}

/**
 * Begins another attempt beside one that is slow, or after one that has failed, and takes the first answer. The others
 * are aborted; the call does not wait for them, `pipeline.close()` does. When all fail the call fails as the first did.
 *
 * Only for what may be done twice: attempts run at the same time.
 *
 * @throws ConfigurationError
 */
export function hedge(options: HedgeOptions = {}): Hedge {
  return new HedgePolicy(options);
}

/** A learned delay is followed in steps of this share, as coarse as a timeout may be late: few timers serve all calls. */
const FOLLOW_RATIO = 1 / 64;

class HedgePolicy extends PolicyBase implements Hedge, HedgingPolicy {
  readonly kind = 'hedge';
  readonly maxAttempts: number;
  readonly atOnce: boolean;
  readonly budget: RetryBudget | undefined;
  readonly counts: HedgeCounts = noHedgeCounts();
  readonly options: Resolved<HedgeOptions, typeof hedgeDefaults>;
  private readonly estimate: DelayEstimate | undefined;
  private currentLane: TimeoutLane | undefined = undefined;

  constructor(given: HedgeOptions) {
    const options = resolveOptions('hedge', given, hedgeDefaults, hedgeRules);
    super('hedge', options);
    const { delayMs, maxAttempts, budget } = options;
    this.options = options;
    this.maxAttempts = maxAttempts;
    this.atOnce = delayMs === 0;
    this.budget = budget;
    this.estimate = typeof delayMs === 'object' ? delayMs.createEstimate() : undefined;
  }

  get delayMs(): number | undefined {
    if (this.estimate !== undefined) return this.estimate.delayMs;
    return typeof this.options.delayMs === 'number' ? this.options.delayMs : undefined;
  }

  get statistics(): HedgeStatistics {
    return { ...this.counts };
  }

  enter(call: Call, at: number): Outcome | Wait {
    this.counts.calls++;
    this.budget?.callBegan(call.root);
    const hedged = new HedgedCall(this, call, at);
    call.keep(at, hedged);
    return hedged.begin();
  }

  leave(_call: Call, _at: number, outcome: Outcome): Outcome {
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    (call.kept(at) as HedgedCall).cancel(outcome.error, byCaller);
  }

  // --- what its calls ask ---

  lane(): TimeoutLane | undefined {
    const { delayMs } = this;
    if (delayMs === undefined || delayMs === 0) return undefined;
    if (this.currentLane === undefined || Math.abs(this.currentLane.durationMs - delayMs) > delayMs * FOLLOW_RATIO)
      this.currentLane = timeoutQueueOf(this.clock).lane(delayMs);
    return this.currentLane;
  }

  judge(call: Call, outcome: Outcome, attempt: number): Verdict {
    const { hedgeIf, hedgeResultIf } = this.options;
    if (outcome.ok) {
      if (hedgeResultIf === undefined) return 'answer';
      const onError = (error: unknown): void => call.hookFailed(this.name, 'hedgeResultIf', error);
      return askHook(hedgeResultIf, [outcome.value, attempt], false, onError) ? 'mendable' : 'answer';
    }
    const onError = (error: unknown): void => call.hookFailed(this.name, 'hedgeIf', error);
    return askHook(hedgeIf ?? isRetryable, [outcome.error, attempt], false, onError) ? 'mendable' : 'final';
  }

  now(): number {
    return this.estimate === undefined ? 0 : this.clock.now();
  }

  learn(startedAt: number, answered: boolean): void {
    this.estimate?.record(this.clock.now() - startedAt, answered);
  }
}
