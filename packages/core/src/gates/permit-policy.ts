import { type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';
import { type Failure, type Outcome } from '../policy/outcome.ts';
import { PolicyBase, type PolicyOptions } from '../policy/policy-base.ts';
import { type Call, WAIT, type Wait } from '../policy/policy.ts';
import { Permits, type PermitStatistics } from './permits.ts';
import { type CallGate, WaitingCall } from './waiting-call.ts';

/** What a {@link PermitPolicy} goes by. */
export interface PermitPolicySettings extends PolicyOptions {
  readonly maxQueue: number;
  readonly maxQueueWaitMs?: number | undefined;
  readonly releaseOn: 'outcome' | 'settled';
}

/** Why a call got no permit: the queue was `full`, or it had to wait too `long`. */
export type PermitRefusal = 'full' | 'long';

/** The way of a call through a policy that lets a number of calls run at once and a number wait. */
export abstract class PermitPolicy extends PolicyBase implements CallGate {
  /** A policy with a queue can't be part of a synchronous call. */
  readonly waits: boolean;
  protected readonly permits: Permits;
  /** Whether permits return with the function itself. */
  protected readonly untilSettled: boolean;
  private readonly maxQueueWaitMs: number | undefined;

  /** @param most How many may run at once. */
  constructor(kind: string, settings: PermitPolicySettings, most: number) {
    super(kind, settings);
    this.waits = settings.maxQueue > 0;
    this.permits = new Permits(most, settings.maxQueue, () => this.clock.now());
    this.untilSettled = settings.releaseOn === 'settled';
    this.maxQueueWaitMs = settings.maxQueueWaitMs;
  }

  get queued(): number {
    return this.permits.waiting;
  }

  get statistics(): PermitStatistics {
    return this.permits.statistics;
  }

  /** Nobody waits while no permit is taken. */
  get isBusy(): boolean {
    return this.permits.taken > 0;
  }

  /** The call has its permit: remembers what is to be known of it when it ends. */
  protected abstract admitted(call: Call, at: number): void;
  /** Tells that a call waits. */
  protected abstract tellQueued(call: Call): void;
  /** Tells that a call is refused, and makes the outcome. */
  protected abstract refuse(call: Call, why: PermitRefusal): Failure;
  /** The call ended further out while it had its permit. */
  protected abstract cancelled(call: Call, at: number, outcome: Failure, byCaller: boolean): void;

  enter(call: Call, at: number): Outcome | Wait | undefined {
    if (this.permits.tryTakeUncontended() || this.permits.tryTake(call.priorityLevel)) {
      this.admitted(call, at);
      return undefined;
    }
    const waiter = new WaitingCall(this, call, at);
    if (!this.permits.enqueue(waiter, this.laneFor(this.maxQueueWaitMs))) return this.refuse(call, 'full');
    call.keep(at, waiter);
    this.tellQueued(call);
    return WAIT;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    const kept = call.kept(at);
    if (!(kept instanceof WaitingCall)) return this.cancelled(call, at, outcome, byCaller);
    call.keep(at, undefined);
    this.permits.withdraw(kept);
  }

  proceed(call: Call, at: number): void {
    call.keep(at, undefined);
    this.admitted(call, at);
    call.resume(at);
  }

  refuseWaiting(call: Call, at: number): void {
    call.keep(at, undefined);
    call.complete(at, this.refuse(call, 'long'));
  }

  /**
   * Gives the permit of a call back, now or when the runs that began under it have ended.
   *
   * @param before The runs that went on already when the call got its permit: they hold permits of their own.
   */
  protected giveBack(call: Call, before: ReadonlySet<unknown> | undefined): void {
    if (this.untilSettled) call.whenIdle(() => this.permits.give(), before);
    else this.permits.give();
  }

  /** What limits a wait to so many milliseconds. */
  protected laneFor(waitMs: number | undefined): TimeoutLane | undefined {
    return waitMs === undefined || waitMs === Infinity ? undefined : timeoutQueueOf(this.clock).lane(waitMs);
  }
}
