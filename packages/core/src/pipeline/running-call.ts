/**
 * One call on its way through a pipeline.
 *
 * The call walks over the steps by position: inward through `enter`, then the user's function, then outward through
 * `leave`. `position` is the innermost step that the call has entered and not left. A walk is a loop, not a recursion,
 * and runs to the point where somebody has to be waited for: the function, or a step that answered WAIT.
 *
 * On the straight path the promise that the caller gets is the one that `then` on the function's promise returns. Where
 * that can't be, because a step may end the call while the function runs or because a step waits, it is a deferred.
 *
 * A run of the function is an Attempt, and `current` is the one whose result the call is waiting for. Whatever comes
 * from another one is late: it is told as an event and changes nothing.
 *
 * What a call knows of itself stands in call-frame.ts, its runs and what is told of them in call-record.ts.
 *
 * Whatever would end a call while a walk is on (a listener that aborts the signal, a function that does) waits until
 * that walk has ended, so that no step is told of the end of something that it has not finished to begin.
 */
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { type Failure, failure, type Outcome, success, withAttempts } from '../policy/outcome.ts';
import { AGAIN, type Call, type Fork, WAIT } from '../policy/policy.ts';
import { IntrusiveList } from '../structures/intrusive-list.ts';
import { Attempt } from './attempt.ts';
import { callContexts } from './call-context.ts';
import { type Interruption, Origin, type UserFunction } from './call-frame.ts';
import { CallGuard } from './call-guard.ts';
import { isOver, remainingMsOf } from './call-limits.ts';
import { CallRecord } from './call-record.ts';
import { CallTimes } from './call-times.ts';
import type { CallWatchers } from './call-watchers.ts';
import { waitedInSyncCall } from './check-sync-call.ts';
import type { Plan } from './plan.ts';
import { captureSettle, isThenable, lastSettle, resolution, type Settle } from './promises.ts';

/** See the head of this file. */
export class RunningCall extends CallRecord implements Call {
  private readonly asOutcome: boolean;
  private walking = false;
  /** The promise of the straight path, when there is one. */
  private straight: Promise<unknown> | undefined = undefined;
  /** Settles the promise of a call that could not take the straight path. */
  private settle: Settle | undefined = undefined;

  constructor(plan: Plan, fn: UserFunction, options: CallOptions | undefined, asOutcome: boolean, origin?: Origin) {
    super(plan, fn, options, origin);
    this.asOutcome = asOutcome;
  }

  // --- what the pipeline calls ---

  /** Runs the call; the promise settles as the call ends. */
  start(): Promise<unknown> {
    this.plan.begin();
    if (this.plan.channel.isHeard) this.rarely.times = CallTimes.wantedBy(this.plan.channel, this.plan.clock);
    const inContext = callContexts.capture?.();
    if (inContext !== undefined) this.rarely.inContext = inContext;
    const { options } = this;
    if (options !== undefined && (options.signal ?? options.parent ?? options.deadlineMs) !== undefined) {
      const guard = new CallGuard(this, this.plan.clock, options);
      this.rarely.guard = guard;
      if (!guard.watch()) return Promise.resolve(resolution(this.outcome!, this.asOutcome));
    }
    this.walk(undefined);
    if (this.outcome !== undefined) return Promise.resolve(resolution(this.outcome, this.asOutcome));
    return this.straight ?? this.defer();
  }

  /** Runs the call to its end; whoever waits in it all the same is a fault, whose error ends the call. */
  startSync(): Outcome {
    this.plan.begin();
    this.rarely.sync = true;
    this.rarely.times = CallTimes.wantedBy(this.plan.channel, this.plan.clock);
    this.walk(undefined);
    if (this.outcome === undefined) {
      const waiting = this.current === undefined ? this.plan.steps[this.position] : undefined;
      // Told as an abort: that somebody waits here says nothing about the upstream, and no fallback may hide it.
      this.endFromOutside(failure(waitedInSyncCall(waiting?.policy)), true);
    }
    return this.outcome!;
  }

  endFromOutside(outcome: Failure, byCaller: boolean): void {
    this.breakOff(this.first - 1, outcome, byCaller);
  }

  // --- what steps call ---

  remainingMs(at: number): number {
    return remainingMsOf(this, at);
  }

  isOver(at: number): boolean {
    return isOver(this, at);
  }

  resume(at: number): void {
    if (this.outcome !== undefined) return;
    this.position = at;
    this.walkAgain(undefined);
  }

  complete(at: number, outcome: Outcome): void {
    if (this.outcome !== undefined) return;
    this.position = at - 1;
    this.walkAgain(outcome);
  }

  interrupt(at: number, outcome: Failure): void {
    this.breakOff(at, outcome, false);
  }

  fork(at: number, done: (outcome: Outcome) => void, within?: ExecutionContext): Fork {
    const origin = new Origin(this, at + 1, done, within);
    const fork = new RunningCall(this.plan, this.function, this.options, true, origin);
    origin.fork = fork;
    const { rarely } = this;
    (rarely.forks ??= new IntrusiveList()).append(origin);
    if (rarely.times !== undefined) fork.rarely.times = rarely.times;
    if (rarely.inContext !== undefined) fork.rarely.inContext = rarely.inContext;
    fork.walkAgain(undefined);
    return fork;
  }

  // --- the walk ---

  /** Walks on behalf of whoever set the call going again, in what surrounded the call and not them. */
  private walkAgain(outcome: Outcome | undefined): void {
    const inContext = this.rare?.inContext;
    if (inContext === undefined) this.walk(outcome);
    else inContext(() => this.walk(outcome));
  }

  /** Walks until somebody has to be waited for or the call has ended: outward with an outcome, otherwise inward. */
  private walk(outcome: Outcome | undefined): void {
    this.walking = true;
    let carried = outcome;
    for (;;) {
      try {
        if (carried === undefined) carried = this.inward();
        if (carried === undefined || !this.outward(carried)) break;
        carried = undefined;
      } catch (error) {
        // A policy that throws has left the call; what is outside of it sees a failure.
        carried = failure(error);
        this.position--;
      }
    }
    this.walking = false;
    if (this.rare?.interruption !== undefined) this.interruptNow(this.rare.interruption);
  }

  /** Enters the steps inside `position` and runs the function; the outcome, or undefined when it is to be waited for. */
  private inward(): Outcome | undefined {
    const { steps } = this.plan;
    for (let at = this.position + 1; at < steps.length; at++) {
      this.position = at;
      const step = steps[at]!;
      const answer = step.enter.call(step.policy, this, at);
      if (answer === undefined) continue;
      if (answer === WAIT) return undefined;
      this.position = at - 1;
      return answer as Outcome;
    }
    // What ended the call during this walk must not see another attempt begin.
    if ((this.rare !== undefined || this.origin !== undefined) && this.isEnding) return undefined;
    return this.run();
  }

  /** Leaves the steps from `position` outward; true when a step sent the call inward again. */
  private outward(outcome: Outcome): boolean {
    const { steps } = this.plan;
    let carried = outcome;
    const { first } = this;
    for (let at = this.position; at >= first; at--) {
      this.position = at;
      const step = steps[at]!;
      const answer = step.leave.call(step.policy, this, at, carried);
      if (answer === WAIT) return false;
      if (answer === AGAIN) return true;
      carried = answer as Outcome;
    }
    this.position = first - 1;
    this.end(carried);
    return false;
  }

  // --- the user's function ---

  private run(): Outcome | undefined {
    const number = (this.origin === undefined ? this : this.root).attempts + 1;
    const attempt = new Attempt(this, this.plan.steps.length, number);
    this.current = attempt;
    this.began(attempt.attempt);
    this.rare?.times?.runStarted(attempt);
    const fn = this.function;
    let result: unknown;
    try {
      result = this.plan.watchers === undefined ? fn(attempt) : this.runWatched(this.plan.watchers, attempt);
      if (isThenable(result)) return this.await(attempt, result);
    } catch (error) {
      // The function's, or that of a thenable that can't be waited for: `await` would throw it too.
      return this.stopped(attempt, failure(error));
    }
    return this.stopped(attempt, success(result));
  }

  private runWatched(watchers: CallWatchers, attempt: Attempt): unknown {
    this.rarely.watched = true;
    return watchers.run(this, attempt, this.function);
  }

  private await(attempt: Attempt, result: unknown): undefined {
    const promise = result instanceof Promise ? result : Promise.resolve(result);
    const settled = promise.then(
      (value: unknown) => this.settled(attempt, success(value)),
      (error: unknown) => this.settled(attempt, failure(error)),
    );
    if (!this.plan.interruptible && this.rare?.guard === undefined && this.origin === undefined)
      this.straight ??= settled;
  }

  /** The function's promise has settled. On the straight path what this returns is what the caller gets. */
  private settled(attempt: Attempt, outcome: Outcome): unknown {
    const late = this.current !== attempt;
    // What wakes up as this run ends may want to end the call: not between here and the walk.
    if (!late) this.walking = true;
    this.stopped(attempt, outcome);
    if (late) return undefined;
    this.walk(outcome);
    if (this.straight === undefined || this.settle !== undefined) return undefined;
    if (this.outcome === undefined) return this.defer();
    return resolution(this.outcome, this.asOutcome);
  }

  // --- the end ---

  private end(last: Outcome): void {
    const outcome = this.asOutcome ? withAttempts(last, this.attempts) : last;
    this.outcome = outcome;
    this.rare?.guard?.release();
    if (this.origin !== undefined) {
      this.origin.parent.rare!.forks!.remove(this.origin);
      if (!this.origin.abandoned) this.origin.done(outcome);
      return;
    }
    if (this.rare?.times !== undefined) this.tellEnd(outcome, this.rare.times);
    this.settle?.(resolution(outcome, this.asOutcome));
    this.plan.end(this.running);
  }

  private breakOff(at: number, outcome: Failure, byCaller: boolean): void {
    if (this.outcome !== undefined) return;
    // Of several that come during one walk the outermost counts.
    const rare = this.rarely;
    if (rare.interruption === undefined || at < rare.interruption.at) rare.interruption = { at, outcome, byCaller };
    if (this.walking) return;
    const { interruption, inContext } = rare;
    if (inContext === undefined) this.interruptNow(interruption);
    else inContext(() => this.interruptNow(interruption));
  }

  private interruptNow({ at, outcome, byCaller }: Interruption): void {
    this.rarely.interruption = undefined;
    if (this.outcome !== undefined || this.position < at) return;
    this.cancelInside(at, outcome, byCaller);
    this.position = at - 1;
    if (at < this.first) {
      this.position = this.first - 1;
      this.end(outcome);
    } else this.walk(outcome);
  }

  private cancelInside(at: number, outcome: Failure, byCaller: boolean): void {
    this.walking = true;
    const attempt = this.current;
    this.current = undefined;
    if (attempt !== undefined) this.leaveBehind(attempt);
    if (attempt !== undefined) this.plan.watchers?.runEnded(this, attempt, outcome);
    for (let position = this.position; position > at; position--) {
      const { policy } = this.plan.steps[position]!;
      try {
        policy.cancel(this, position, outcome, byCaller);
      } catch (error) {
        this.hookFailed(policy.name ?? policy.kind, 'cancel', error);
      }
    }
    attempt?.abort(outcome.error, byCaller);
    this.walking = false;
  }

  private defer(): Promise<unknown> {
    const promise = new Promise(captureSettle);
    this.settle = lastSettle();
    return promise;
  }
}
