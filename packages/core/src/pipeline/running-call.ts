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
 * Whatever would end a call while a walk is on (a listener that aborts the signal, a function that does) waits until
 * that walk has ended, so that no step is told of the end of something that it has not finished to begin.
 */
import type { EventEnvelope } from '../events/event.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { type Failure, failure, type Outcome, success, withAttempts } from '../policy/outcome.ts';
import { AGAIN, type Call, type Fork, type Scope, WAIT } from '../policy/policy.ts';
import { type Priority, priorityLevel } from '../policy/priority.ts';
import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import { Attempt } from './attempt.ts';
import { callContexts, type InContext } from './call-context.ts';
import { CallGuard } from './call-guard.ts';
import { CallTimes } from './call-times.ts';
import type { CallWatchers } from './call-watchers.ts';
import { waitedInSyncCall } from './check-sync-call.ts';
import { LeftBehind } from './left-behind.ts';
import type { Plan } from './plan.ts';
import { captureSettle, isThenable, lastSettle, resolution, type Settle } from './promises.ts';

type UserFunction = (context: ExecutionContext) => unknown;

/** Where a run of the inner steps, started by {@link RunningCall.fork}, belongs; a link of its parent's list of them. */
class Origin extends ListNode {
  readonly parent: RunningCall;
  /** The position of the first step that is part of it. */
  readonly first: number;
  readonly done: (outcome: Outcome) => void;
  /** The context that limits it besides, where another pipeline asked for it. */
  readonly within: ExecutionContext | undefined;
  readonly fork: RunningCall;
  /** Whether nobody wants its outcome any more. */
  abandoned = false;
  /** The number of the last run that began in it. */
  lastAttempt = 0;

  constructor(
    parent: RunningCall,
    first: number,
    done: (outcome: Outcome) => void,
    within: ExecutionContext | undefined,
  ) {
    super();
    this.parent = parent;
    this.first = first;
    this.done = done;
    this.within = within;
    this.fork = new RunningCall(parent.plan, parent.function, parent.options, true, this);
  }
}

/** What few calls need. */
class Rare {
  guard: CallGuard | undefined = undefined;
  interruption: Interruption | undefined = undefined;
  /** Those of its forks included. */
  leftBehind: LeftBehind | undefined = undefined;
  forks: IntrusiveList<Origin> | undefined = undefined;
  /** Only where somebody listens; a fork has those of its call. */
  times: CallTimes | undefined = undefined;
  /** Only where somebody keeps contexts; a fork has that of its call. */
  inContext: InContext | undefined = undefined;
  /** Whether somebody watches its runs. */
  watched = false;
  sync = false;
}

interface Interruption {
  readonly at: number;
  readonly outcome: Failure;
  readonly byCaller: boolean;
}

/** What is told of the end of a run or of a call, while it is put together. */
interface RunEnd extends EventEnvelope {
  attempts?: number;
  error?: unknown;
  value?: unknown;
}

export class RunningCall implements Call {
  readonly plan: Plan;
  readonly options: CallOptions | undefined;
  attempts = 0;
  running = 0;
  readonly function: UserFunction;
  private readonly asOutcome: boolean;
  private readonly origin: Origin | undefined;
  private position: number;
  private current: Attempt | undefined = undefined;
  private outcome: Outcome | undefined = undefined;
  private walking = false;
  /** What the steps remember, by position; made when one has something to remember. */
  private memory: unknown[] | undefined = undefined;
  /** The promise of the straight path, when there is one. */
  private straight: Promise<unknown> | undefined = undefined;
  /** Settles the promise of a call that could not take the straight path. */
  private settle: Settle | undefined = undefined;
  private rare: Rare | undefined = undefined;

  constructor(plan: Plan, fn: UserFunction, options: CallOptions | undefined, asOutcome: boolean, origin?: Origin) {
    this.plan = plan;
    this.options = options;
    this.function = fn;
    this.asOutcome = asOutcome;
    this.origin = origin;
    this.position = origin === undefined ? -1 : origin.first - 1;
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

  private get rarely(): Rare {
    return (this.rare ??= new Rare());
  }

  /** The position of the first step that is this call's own. */
  private get first(): number {
    return this.origin === undefined ? 0 : this.origin.first;
  }

  get ended(): boolean {
    return this.outcome !== undefined;
  }

  get priority(): Priority {
    return this.options?.priority ?? this.options?.parent?.priority ?? 'normal';
  }

  /** Ends the call that this is, or is a fork of. */
  endCall(reason: unknown): void {
    (this.origin === undefined ? this : this.root).endFromOutside(failure(reason), true);
  }

  /** The caller's abort, the deadline, or the end of the call that this one is part of. */
  endFromOutside(outcome: Failure, byCaller: boolean): void {
    this.breakOff(this.first - 1, outcome, byCaller);
  }

  // --- what steps call ---

  get key(): string | undefined {
    return this.options?.key ?? this.options?.parent?.key;
  }

  get priorityLevel(): number {
    return priorityLevel(this.priority);
  }

  get pipeline(): string | undefined {
    return this.plan.name;
  }

  get sync(): boolean {
    return this.rare !== undefined && this.rare.sync;
  }

  /** Before a run there is none: then it is that of the step which asks, limited by those outside it. */
  get context(): ExecutionContext {
    return this.current ?? new Attempt(this, this.position, this.root.attempts + 1);
  }

  get root(): RunningCall {
    return this.origin === undefined ? this : this.origin.parent.root;
  }

  keep(at: number, state: unknown): void {
    if (this.memory === undefined) {
      if (state === undefined) return;
      this.memory = new Array<unknown>(this.plan.steps.length);
    }
    this.memory[at] = state;
  }

  kept(at: number): unknown {
    return this.memory === undefined ? undefined : this.memory[at];
  }

  remainingMs(at: number): number {
    let remaining = this.rare?.guard?.remainingMs() ?? Infinity;
    const { steps } = this.plan;
    for (let position = this.first; position < at; position++) {
      const { policy } = steps[position]!;
      if (policy.remainingMs !== undefined) remaining = Math.min(remaining, policy.remainingMs(this, position));
    }
    if (this.origin === undefined) return remaining;
    const { parent, first, within } = this.origin;
    return Math.min(remaining, parent.remainingMs(first), within?.remainingMs ?? Infinity);
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

  abortRun(reason: unknown): boolean {
    let reached = this.current !== undefined;
    this.current?.abort(reason, false);
    for (const { fork } of [...(this.rare?.forks ?? [])]) if (fork.abortRun(reason)) reached = true;
    return reached;
  }

  scope(at: number): Scope {
    const scope = new Attempt(this, at, this.root.attempts + 1);
    return { context: scope, abort: (reason, byCaller) => scope.abort(reason, byCaller) };
  }

  fork(at: number, done: (outcome: Outcome) => void, within?: ExecutionContext): Fork {
    const origin = new Origin(this, at + 1, done, within);
    const { rarely } = this;
    (rarely.forks ??= new IntrusiveList()).append(origin);
    if (rarely.times !== undefined) origin.fork.rarely.times = rarely.times;
    if (rarely.inContext !== undefined) origin.fork.rarely.inContext = rarely.inContext;
    origin.fork.walkAgain(undefined);
    return origin.fork;
  }

  /** Ends a fork whose outcome nobody wants. */
  cancel(reason: unknown, byCaller = true): void {
    if (this.origin !== undefined) this.origin.abandoned = true;
    this.endFromOutside(failure(reason), byCaller);
  }

  cancelForks(reason: unknown, byCaller = true): void {
    const origins = [...(this.rare?.forks ?? [])];
    // First none is wanted any more: what the first gives back must not set another one going.
    for (const origin of origins) origin.abandoned = true;
    for (const { fork } of origins) fork.cancel(reason, byCaller);
  }

  get leftBehind(): ReadonlySet<unknown> | undefined {
    const runs = this.rare?.leftBehind?.runs;
    return runs === undefined || runs.size === 0 ? undefined : new Set(runs);
  }

  whenIdle(callback: () => void, except?: ReadonlySet<unknown>): void {
    const runs = new Set(this.running === 0 ? undefined : this.goingOn());
    for (const run of except ?? []) runs.delete(run as Attempt);
    if (runs.size === 0) callback();
    else (this.rarely.leftBehind ??= new LeftBehind()).whenEnded(runs, callback);
  }

  /** All runs that have not ended, those of its forks included. */
  private *goingOn(): Iterable<Attempt> {
    if (this.current !== undefined) yield this.current;
    yield* this.rare?.leftBehind?.runs ?? [];
    for (const { fork } of this.rare?.forks ?? []) yield* fork.goingOn();
  }

  wants(type: string, outcome?: 'success' | 'failure'): boolean {
    return this.plan.watchers !== undefined || this.plan.channel.wants(type, outcome);
  }

  emit(policy: string | undefined, type: string, details: object): void {
    const { name, clock } = this.plan;
    const attempt = this.lastAttempt;
    const timestamp = clock.wallTime();
    const event = { type, pipeline: name, policy, key: this.key, attempt, timestamp, ...details };
    const inContext = this.rare?.inContext;
    if (inContext === undefined) this.tell(event);
    else inContext(() => this.tell(event));
  }

  private tell(event: EventEnvelope): void {
    this.plan.channel.emit(event);
    this.plan.watchers?.told(this, event);
  }

  /** The number of the run that goes on, or of the last that began. */
  private get lastAttempt(): number {
    return this.current?.attempt ?? this.origin?.lastAttempt ?? this.attempts;
  }

  hookFailed(policy: string, hook: string, error: unknown): void {
    if (this.wants('hook-failed')) this.emit(policy, 'hook-failed', { hook, error, outcome: 'failure' });
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

  /** Whether this call, or one that it is a fork of, will end as soon as its walk has come to rest. */
  private get isEnding(): boolean {
    if (this.rare !== undefined && this.rare.interruption !== undefined) return true;
    return this.origin !== undefined && (this.origin.abandoned || this.origin.parent.isEnding);
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
    const attempt = new Attempt(
      this,
      this.plan.steps.length,
      (this.origin === undefined ? this : this.root).attempts + 1,
    );
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

  /** What the policy at `at` remembers of this call, or of the one that this is a fork of when it stands further out. */
  keptInCall(at: number): unknown {
    let call: RunningCall = this;
    while (call.origin !== undefined && at < call.origin.first) call = call.origin.parent;
    return call.kept(at);
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

  countAttempt(): void {
    this.addAttempts(1);
    if (this.origin !== undefined) this.origin.lastAttempt = this.root.attempts;
  }

  /** Also for a run whose function is another pipeline's inside, where nothing was started. */
  retractAttempt(): void {
    this.addAttempts(-1);
  }

  private addAttempts(count: 1 | -1): void {
    this.attempts += count;
    for (let parent = this.origin?.parent; parent !== undefined; parent = parent.origin?.parent)
      parent.attempts += count;
  }

  private began(number: number): void {
    this.attempts++;
    this.running++;
    if (this.origin === undefined) return;
    this.origin.lastAttempt = number;
    for (
      let parent: RunningCall | undefined = this.origin.parent;
      parent !== undefined;
      parent = parent.origin?.parent
    ) {
      parent.attempts++;
      parent.running++;
    }
  }

  /** A run has ended with `outcome`, in time or late; returns that. */
  private stopped(attempt: Attempt, outcome: Outcome): Outcome {
    const late = this.current !== attempt;
    if (late) this.tellRunEnd('late-result', attempt, outcome);
    else if (this.rare !== undefined) {
      if (this.rare.watched) this.plan.watchers?.runEnded(this, attempt, outcome);
      this.tellRunEnd('attempt-ended', attempt, outcome);
    }
    if (!late) this.current = undefined;
    // Known before anybody is told: what wakes up may end the call, and `end` counts the runs that are left by itself.
    const outlivedCall = (this.origin === undefined ? this : this.root).outcome !== undefined;
    this.running--;
    if (this.rare !== undefined || this.origin !== undefined) this.tellStopped(attempt);
    if (outlivedCall) this.plan.end();
    return outcome;
  }

  /** Who has come since the call began hears only of what is late. */
  private tellRunEnd(type: 'attempt-ended' | 'late-result', run: Attempt, outcome: Outcome): void {
    if (!this.wants(type, outcomeOf(outcome))) return this.rare?.times?.forget(run);
    const durationMs = this.rare?.times?.runEnded(run);
    const late = type === 'late-result';
    if (durationMs === undefined && !late) return;
    const event: RunEnd = this.endEvent(type, run.attempt, durationMs, outcome);
    if (late && outcome.ok) event.value = outcome.value;
    this.tell(event);
  }

  /** What is told of an end: of a run, or of the whole call. Written out, since it is told of every call. */
  private endEvent(type: string, attempt: number, durationMs: number | undefined, outcome: Outcome): RunEnd {
    const { name, clock } = this.plan;
    const event: RunEnd = {
      type,
      pipeline: name,
      policy: undefined,
      key: this.key,
      attempt,
      timestamp: clock.wallTime(),
      durationMs,
      outcome: outcomeOf(outcome),
    };
    if (!outcome.ok) event.error = outcome.error;
    return event;
  }

  /** Tells those who wait for the end of this run, here and in the calls that this is a fork of. */
  private tellStopped(attempt: Attempt): void {
    this.rare?.leftBehind?.ended(attempt);
    if (this.origin === undefined) return;
    const { parent } = this.origin;
    parent.running--;
    parent.tellStopped(attempt);
  }

  /** Nobody waits for this run any more; it goes on until its function ends. */
  private leaveBehind(attempt: Attempt): void {
    for (let call: RunningCall | undefined = this; call !== undefined; call = call.origin?.parent)
      (call.rarely.leftBehind ??= new LeftBehind()).runs.add(attempt);
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
    const times = this.rare?.times;
    if (times !== undefined && this.wants('call-ended', outcomeOf(outcome))) this.tellEnd(outcome, times.durationMs());
    this.settle?.(resolution(outcome, this.asOutcome));
    this.plan.end(this.running);
  }

  private tellEnd(outcome: Outcome, durationMs: number): void {
    const event: RunEnd = this.endEvent('call-ended', this.lastAttempt, durationMs, outcome);
    event.attempts = this.attempts;
    this.tell(event);
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

const outcomeOf = ({ ok }: Outcome): 'success' | 'failure' => (ok ? 'success' : 'failure');
