import type { Clock } from '../clock/clock.ts';
import { TimeoutEntry, type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';
import { isBreakwaterError } from '../errors/breakwater-error.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { type Failure, refusal } from '../policy/outcome.ts';
import { type AbortLink, Attempt } from './attempt.ts';
import { DeadlineExceededError } from './errors.ts';

/** What a guard must know of its call. */
export interface GuardedCall {
  readonly pipeline: string | undefined;
  readonly ended: boolean;
  endFromOutside(outcome: Failure, byCaller: boolean): void;
}

/** What can end a whole call from outside: the caller's signal, its deadline, and the call that it is part of. */
export class CallGuard extends AbortSubscription implements AbortLink {
  private readonly call: GuardedCall;
  private readonly signal: AbortSignal | undefined;
  private readonly parent: Attempt | undefined;
  private readonly parentSignal: AbortSignal | undefined;
  private readonly deadline: Deadline | undefined;
  private readonly inherited: ExecutionContext | undefined;
  private parentListener: ParentSubscription | undefined;

  constructor(call: GuardedCall, clock: Clock, options: CallOptions) {
    super();
    this.call = call;
    this.signal = options.signal;
    this.inherited = options.parent;
    if (options.parent instanceof Attempt) this.parent = options.parent;
    else this.parentSignal = options.parent?.signal;
    if (options.deadlineMs !== undefined) this.deadline = new Deadline(call, clock, options.deadlineMs);
  }

  /** Starts to watch; false when the call had to end at once. */
  watch(): boolean {
    if (this.signal !== undefined) {
      if (this.signal.aborted) return this.endAtOnce(this.signal.reason);
      this.subscribe(this.signal);
    }
    if (this.parentSignal !== undefined) {
      if (this.parentSignal.aborted) return this.endAtOnce(this.parentSignal.reason);
      this.parentListener = new ParentSubscription(this);
      this.parentListener.subscribe(this.parentSignal);
    }
    this.parent?.link(this);
    if (!this.call.ended) this.deadline?.start();
    return !this.call.ended;
  }

  /** Lets go of everything that was listened to. */
  release(): void {
    if (this.signal !== undefined) this.unsubscribe(this.signal);
    if (this.parentSignal !== undefined) this.parentListener?.unsubscribe(this.parentSignal);
    this.parent?.unlink(this);
    this.deadline?.stop();
  }

  /** How many milliseconds the deadline leaves, the inherited one included. */
  remainingMs(): number {
    return Math.min(this.deadline?.remainingMs() ?? Infinity, this.inherited?.remainingMs ?? Infinity);
  }

  /** Whether it is about to end the call, and has not been told yet. */
  get isDue(): boolean {
    if (this.signal?.aborted === true || this.parentSignal?.aborted === true) return true;
    return this.parent?.isOver === true || this.deadline?.isDue === true;
  }

  /** A parent that ran out of time is no caller's wish: the upstream was too slow. */
  onAbort(reason: unknown, byCaller = true): void {
    this.call.endFromOutside(
      refusal(() => reason as Error),
      byCaller && !ranOutOfTime(reason),
    );
  }

  private endAtOnce(reason: unknown): false {
    this.onAbort(reason);
    return false;
  }
}

/**
 * Whether an error says that time ran out, which tells something about the upstream; a caller's abort does not. It may be
 * the platform's own: who limits each call by `AbortSignal.timeout` has a breaker that opens as well.
 */
export function ranOutOfTime(reason: unknown): boolean {
  if (isBreakwaterError(reason)) return reason.category === 'timeout';
  return (reason as { readonly name?: unknown } | null | undefined)?.name === 'TimeoutError';
}

class ParentSubscription extends AbortSubscription {
  private readonly guard: CallGuard;

  constructor(guard: CallGuard) {
    super();
    this.guard = guard;
  }

  onAbort(reason: unknown): void {
    this.guard.onAbort(reason);
  }
}

class Deadline extends TimeoutEntry {
  private readonly call: GuardedCall;
  private readonly clock: Clock;
  private readonly lane: TimeoutLane;
  private expired = false;

  constructor(call: GuardedCall, clock: Clock, deadlineMs: number) {
    super();
    this.call = call;
    this.clock = clock;
    this.lane = timeoutQueueOf(clock).lane(Math.max(0, deadlineMs));
  }

  start(): void {
    if (this.lane.durationMs === 0) this.onTimeout();
    else if (this.lane.durationMs !== Infinity) this.lane.add(this);
  }

  stop(): void {
    this.lane.remove(this);
  }

  remainingMs(): number {
    return this.expired ? 0 : this.lane.remainingMs(this, this.clock.now());
  }

  get isDue(): boolean {
    return this.remainingMs() === 0;
  }

  override onTimeout(): void {
    this.expired = true;
    const { pipeline } = this.call;
    this.call.endFromOutside(
      refusal((deadlineMs) => new DeadlineExceededError(pipeline, deadlineMs), this.lane.durationMs),
      false,
    );
  }
}
