/**
 * The attempts at one call. Each is a fork: a run of what is inside the hedge, with its own breaker's verdict, permit,
 * timer and signal. The first begins with the call; another one begins when the delay has passed without an answer, or
 * an attempt has failed that another may mend, as long as there are attempts left and the budget has room.
 *
 * ```text
 *   begins ──▶ attempts run ──── one is answered ───────────────▶ its result; the others are cancelled
 *                 ▲    │ ├────── the first fails for good ──────▶ its error;  the others are cancelled
 *      another ◀──┘    │ └────── ended from outside ────────────▶             all are cancelled
 *      delay, failure  └──────── all have failed ───────────────▶ what the first one ended with
 * ```
 *
 * A hedge can only help: what a later attempt fails with never ends a call whose first attempt still runs.
 */
import { TimeoutEntry, type TimeoutLane } from '../clock/timeout-queue.ts';
import { withoutStack } from '../errors/rejection.ts';
import type { RetryBudget } from '../gates/budget.ts';
import type { Outcome } from '../policy/outcome.ts';
import { type Call, WAIT, type Wait } from '../policy/policy.ts';
import type { HedgeCause } from './events.ts';
import type { HedgeCounts } from './statistics.ts';

/** What an attempt's outcome means: an answer, a failure that another attempt may mend, or one that none can. */
export type Verdict = 'answer' | 'mendable' | 'final';

/** What a hedged call must know of its policy. */
export interface HedgingPolicy {
  readonly name: string;
  readonly maxAttempts: number;
  /** Whether all attempts begin at once. */
  readonly atOnce: boolean;
  readonly budget: RetryBudget | undefined;
  readonly counts: HedgeCounts;
  /** The time by which another attempt is due; undefined where only a failure begins one. */
  lane(): TimeoutLane | undefined;
  judge(call: Call, outcome: Outcome, attempt: number): Verdict;
  /** The time, where the policy learns from it. */
  now(): number;
  /** The first attempt has ended, or is not waited for any more. */
  learn(startedAt: number, answered: boolean): void;
}

export class HedgedCall extends TimeoutEntry {
  private readonly policy: HedgingPolicy;
  private readonly call: Call;
  private readonly at: number;
  private readonly startedAt: number;
  private started = 0;
  private running = 0;
  /** How many of those that run have been taken from the budget. */
  private budgeted = 0;
  /** Whether the first attempt has ended. */
  private firstEnded = false;
  /** What the first attempt ended with, when that was no answer. */
  private firstFailure: Outcome | undefined = undefined;
  /** Where it waits for the time of the next attempt. */
  private lane: TimeoutLane | undefined = undefined;
  /** False once an attempt has failed for good: there is no sense in another. */
  private mayBegin = true;
  private over = false;
  /** Until `begin` has returned, an outcome is what that returns. */
  private beginning = true;
  private outcome: Outcome | undefined = undefined;

  constructor(policy: HedgingPolicy, call: Call, at: number) {
    super();
    this.policy = policy;
    this.call = call;
    this.at = at;
    this.startedAt = policy.now();
  }

  /** Begins the first attempt, or all; the outcome when they have ended at once. */
  begin(): Outcome | Wait {
    this.start();
    while (this.policy.atOnce && this.tryAnother('at-once'));
    this.beginning = false;
    return this.outcome ?? WAIT;
  }

  /** The delay has passed without an answer. */
  override onTimeout(): void {
    this.lane = undefined;
    this.tryAnother('delay');
  }

  /** The call was ended from outside. */
  cancel(reason: unknown, byCaller: boolean): void {
    if (this.over) return;
    this.policy.counts.failed++;
    this.finish();
    this.call.cancelForks(reason, byCaller);
  }

  private start(): void {
    const attempt = ++this.started;
    this.running++;
    this.stopWaiting();
    this.call.fork(this.at, (outcome) => this.ended(attempt, outcome));
    // An attempt that has ended already may have begun the next.
    if (!this.over && this.started === attempt) this.waitForNext();
  }

  private get hasAnother(): boolean {
    return !this.over && this.mayBegin && this.started < this.policy.maxAttempts;
  }

  /** Begins another attempt; false when there is none, no time is left for it, or the budget has no room for it. */
  private tryAnother(cause: HedgeCause): boolean {
    if (!this.hasAnother || !(this.call.remainingMs(this.at) > 0)) return false;
    const { name, budget, counts } = this.policy;
    const attempt = this.started + 1;
    if (budget !== undefined) {
      if (!budget.tryTake()) {
        counts.refusedByBudget++;
        if (this.call.wants('hedge-refused'))
          this.call.emit(name, 'hedge-refused', { attempt, cause, outcome: 'refused' });
        return false;
      }
      this.budgeted++;
    }
    if (this.call.wants('hedge')) this.call.emit(name, 'hedge', { attempt, cause });
    // A listener may have ended the call.
    if (this.over) return false;
    counts.hedges++;
    this.start();
    return true;
  }

  private ended(attempt: number, outcome: Outcome): void {
    const { policy } = this;
    this.running--;
    if (attempt > 1) this.returnToBudget(1);
    const verdict = policy.judge(this.call, outcome, attempt);
    if (this.over) return;
    if (attempt === 1) this.learn(verdict === 'answer');
    if (verdict !== 'final') policy.budget?.attemptEnded(outcome, verdict === 'answer');
    if (verdict === 'answer') this.answered(attempt, outcome);
    else this.failed(attempt, outcome, verdict);
  }

  private answered(attempt: number, outcome: Outcome): void {
    const { counts, name } = this.policy;
    if (attempt === 1) counts.answeredByFirst++;
    else counts.answeredByHedge++;
    this.decide();
    const attempts = this.started;
    if (attempts > 1 && this.call.wants('hedge-won'))
      this.call.emit(name, 'hedge-won', { attempt, attempts, outcome: 'success' });
    this.pass(outcome);
  }

  private failed(attempt: number, outcome: Outcome, verdict: Verdict): void {
    const { call, policy } = this;
    if (attempt === 1) this.firstFailure = outcome;
    if (verdict === 'final') {
      this.mayBegin = false;
      this.stopWaiting();
    }
    if (call.wants('hedge-attempt-failed')) {
      const error = outcome.ok ? undefined : outcome.error;
      call.emit(policy.name, 'hedge-attempt-failed', { attempt, error, outcome: 'failure' });
    }
    // Listeners may have ended the call, here and there.
    if (this.tryAnother('failure') || this.over) return;
    if (this.running > 0 && !(attempt === 1 && verdict === 'final')) return;
    policy.counts.failed++;
    this.decide();
    this.pass(this.firstFailure!);
  }

  /** The outcome is known: what still runs has lost. */
  private decide(): void {
    this.finish();
    if (this.running > 0) this.call.cancelForks(withoutStack(lost));
  }

  private pass(outcome: Outcome): void {
    if (this.beginning) this.outcome = outcome;
    else this.call.complete(this.at, outcome);
  }

  /** Lets go of whatever it holds beside its attempts. */
  private finish(): void {
    this.over = true;
    this.stopWaiting();
    this.returnToBudget(this.budgeted);
    this.policy.budget?.callEnded(this.call.root);
    if (!this.firstEnded) this.learn(false);
  }

  private waitForNext(): void {
    if (!this.hasAnother) return;
    this.lane = this.policy.lane();
    // A lane takes an entry that knows when it expires for an old one.
    this.expiresAt = undefined;
    this.lane?.add(this);
  }

  private stopWaiting(): void {
    this.lane?.remove(this);
    this.lane = undefined;
  }

  private learn(answered: boolean): void {
    this.firstEnded = true;
    this.policy.learn(this.startedAt, answered);
  }

  private returnToBudget(attempts: number): void {
    if (this.policy.budget === undefined) return;
    for (let left = attempts; left > 0; left--) this.policy.budget.giveBack();
    this.budgeted -= attempts;
  }
}

/** What the signal of an attempt that has lost is aborted with. */
function lost(): DOMException {
  return new DOMException('this attempt is not needed any more: the call has been decided by another', 'AbortError');
}
