/**
 * Which runs of its function a call has, and what is told of them.
 *
 * A run that nobody waits for any more is left behind: it counts as running until its function has ended, in the call and
 * in all that this is a fork of. What is told of the end of a run, and of the call, is told from here.
 */
import type { EventEnvelope } from '../events/event.ts';
import { failure, type Outcome } from '../policy/outcome.ts';
import type { Attempt } from './attempt.ts';
import { CallFrame } from './call-frame.ts';
import type { CallTimes } from './call-times.ts';
import { LeftBehind } from './left-behind.ts';

/** What is told of the end of a run or of a call, while it is put together. */
interface RunEnd extends EventEnvelope {
  attempts?: number;
  error?: unknown;
  value?: unknown;
}

/** See the head of this file. */
export abstract class CallRecord extends CallFrame {
  // --- runs ---

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

  /** A run begins. */
  protected began(number: number): void {
    this.attempts++;
    this.running++;
    if (this.origin === undefined) return;
    this.origin.lastAttempt = number;
    for (let parent: CallFrame | undefined = this.origin.parent; parent !== undefined; parent = parent.origin?.parent) {
      parent.attempts++;
      parent.running++;
    }
  }

  /** A run has ended with `outcome`, in time or late; returns that. */
  protected stopped(attempt: Attempt, outcome: Outcome): Outcome {
    const late = this.current !== attempt;
    if (late) this.tellRunEnd('late-result', attempt, outcome);
    else if (this.rare !== undefined) {
      if (this.rare.watched) this.plan.watchers?.runEnded(this, attempt, outcome);
      this.tellRunEnd('attempt-ended', attempt, outcome);
    }
    if (!late) this.current = undefined;
    // Known and counted before anybody is told: what wakes up may end the call, and `end` counts the runs that are left.
    const outlivedCall = (this.origin === undefined ? this : this.root).outcome !== undefined;
    this.running--;
    for (let parent = this.origin?.parent; parent !== undefined; parent = parent.origin?.parent) parent.running--;
    if (this.rare !== undefined || this.origin !== undefined) this.tellStopped(attempt);
    if (outlivedCall) this.plan.end();
    return outcome;
  }

  tellStopped(attempt: Attempt): void {
    this.rare?.leftBehind?.ended(attempt);
    this.origin?.parent.tellStopped(attempt);
  }

  /** Nobody waits for this run any more; it goes on until its function ends. */
  protected leaveBehind(attempt: Attempt): void {
    for (let call: CallFrame | undefined = this; call !== undefined; call = call.origin?.parent)
      (call.rarely.leftBehind ??= new LeftBehind()).runs.add(attempt);
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

  /** Where one fork has a run that is aborted, another that only waits, in a queue or for its next attempt, ends. */
  abortRun(reason: unknown): boolean {
    let reached = this.current !== undefined;
    this.current?.abort(reason, false);
    const waiting: CallFrame[] = [];
    for (const { fork } of [...(this.rare?.forks ?? [])]) {
      if (fork.abortRun(reason)) reached = true;
      else waiting.push(fork);
    }
    if (reached) for (const fork of waiting) fork.endFromOutside(failure(reason), false);
    return reached;
  }

  *goingOn(): Iterable<Attempt> {
    if (this.current !== undefined) yield this.current;
    yield* this.rare?.leftBehind?.runs ?? [];
    for (const { fork } of this.rare?.forks ?? []) yield* fork.goingOn();
  }

  // --- what is told ---

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

  hookFailed(policy: string, hook: string, error: unknown): void {
    if (this.wants('hook-failed')) this.emit(policy, 'hook-failed', { hook, error, outcome: 'failure' });
  }

  private tell(event: EventEnvelope): void {
    this.plan.channel.emit(event);
    this.plan.watchers?.told(this, event);
  }

  get lastAttempt(): number {
    return this.current?.attempt ?? this.origin?.lastAttempt ?? this.attempts;
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

  /** The whole call has ended. */
  protected tellEnd(outcome: Outcome, times: CallTimes): void {
    if (!this.wants('call-ended', outcomeOf(outcome))) return;
    const event: RunEnd = this.endEvent('call-ended', this.lastAttempt, times.durationMs(), outcome);
    event.attempts = this.attempts;
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
}

const outcomeOf = ({ ok }: Outcome): 'success' | 'failure' => (ok ? 'success' : 'failure');
