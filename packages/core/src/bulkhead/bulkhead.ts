import { type TimeoutLane, timeoutQueueOf } from '../clock/timeout-queue.ts';
import { withoutStack } from '../errors/rejection.ts';
import { EventChannel } from '../events/channel.ts';
import { Permits, type PermitStatistics } from '../gates/permits.ts';
import { WaitingCall } from '../gates/waiting-call.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { PolicyBase } from '../policy/policy-base.ts';
import { type Call, type HookPolicy, WAIT, type Wait } from '../policy/policy.ts';
import { priorityLevel } from '../policy/priority.ts';
import { BulkheadRejectedError } from './errors.ts';
import type { BulkheadEvents, BulkheadRejectedEvent } from './events.ts';
import {
  type AcquireOptions,
  acquireRules,
  bulkheadDefaults,
  type BulkheadOptions,
  bulkheadRules,
  type TryAcquireOptions,
  tryAcquireRules,
} from './options.ts';
import { type Permit, permitOf } from './permit.ts';
import { WaitingCode } from './waiting-code.ts';

/** A bulkhead; see {@link bulkhead}. */
export interface Bulkhead extends HookPolicy<BulkheadEvents, never> {
  readonly kind: 'bulkhead';
  readonly name: string;
  /** Tells of code that waits in `acquire`; of a call tells its pipeline. */
  readonly events: EventChannel<BulkheadEvents>;
  /** How many permits are taken. */
  readonly running: number;
  /** How many wait. */
  readonly queued: number;
  /** What has become of all that asked for a permit. */
  readonly statistics: PermitStatistics;
  /**
   * Takes a permit for code that is not a function of a pipeline: `using permit = await bulkhead.acquire()`. Waits in
   * one queue with the calls of pipelines.
   *
   * @throws BulkheadRejectedError, the reason of the signal's abort, or ConfigurationError; always as a rejection.
   */
  acquire(options?: AcquireOptions): Promise<Permit>;
  /**
   * The same without a wait: undefined when no permit is free, or somebody waits for it who may not be overtaken.
   *
   * @throws ConfigurationError
   */
  tryAcquire(options?: TryAcquireOptions): Permit | undefined;
}

/**
 * Lets a number of calls run at once; of the others a number waits, the most urgent first and in the order in which
 * they came, and the rest is refused.
 *
 * @throws ConfigurationError
 */
export function bulkhead(options: BulkheadOptions = {}): Bulkhead {
  return new BulkheadPolicy(options);
}

type RejectionCode = BulkheadRejectedEvent['code'];

/**
 * Remembers of a call its waiter while it waits, and while it has its permit nothing; only where permits return with
 * the function itself, which runs of earlier attempts were still going on when it got it.
 */
class BulkheadPolicy extends PolicyBase implements Bulkhead {
  readonly kind = 'bulkhead';
  readonly events: EventChannel<BulkheadEvents> = new EventChannel();
  readonly waits: boolean;
  private readonly options: Resolved<BulkheadOptions, typeof bulkheadDefaults>;
  private readonly untilSettled: boolean;
  private readonly permits: Permits;

  constructor(given: BulkheadOptions) {
    const options = resolveOptions('bulkhead', given, bulkheadDefaults, bulkheadRules);
    super('bulkhead', options);
    this.options = options;
    this.waits = options.maxQueue > 0;
    this.untilSettled = options.releaseOn === 'settled';
    this.permits = new Permits(options.maxConcurrent, options.maxQueue, () => this.clock.now());
  }

  get running(): number {
    return this.permits.taken;
  }

  get queued(): number {
    return this.permits.waiting;
  }

  get statistics(): PermitStatistics {
    return this.permits.statistics;
  }

  // --- calls of pipelines ---

  enter(call: Call, at: number): Outcome | Wait | undefined {
    if (this.permits.tryTakeUncontended() || this.permits.tryTake(call.priorityLevel)) {
      if (this.untilSettled) call.keep(at, call.leftBehind);
      return undefined;
    }
    const waiter = new WaitingCall(this, call, at);
    if (!this.permits.enqueue(waiter, this.laneFor(this.options.maxQueueWaitMs)))
      return this.refuse(call, 'BULKHEAD_FULL');
    call.keep(at, waiter);
    if (call.wants('bulkhead-queued'))
      call.emit(this.name, 'bulkhead-queued', { queued: this.queued, outcome: 'queued' });
    return WAIT;
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    this.giveBack(call, at);
    return outcome;
  }

  cancel(call: Call, at: number): void {
    const kept = call.kept(at);
    if (!(kept instanceof WaitingCall)) return this.giveBack(call, at);
    call.keep(at, undefined);
    this.permits.withdraw(kept);
  }

  /** The permit is the call's. */
  proceed(call: Call, at: number): void {
    call.keep(at, this.untilSettled ? call.leftBehind : undefined);
    call.resume(at);
  }

  /** The call waited too long. */
  refuseWaiting(call: Call, at: number): void {
    call.keep(at, undefined);
    call.complete(at, this.refuse(call, 'BULKHEAD_WAIT_TIMEOUT'));
  }

  /** Runs of earlier attempts hold permits of their own, each its own until it ends. */
  private giveBack(call: Call, at: number): void {
    if (!this.untilSettled) return this.permits.give();
    call.whenIdle(() => this.permits.give(), call.kept(at) as ReadonlySet<unknown> | undefined);
  }

  private refuse(call: Call, code: RejectionCode): Failure {
    if (call.wants('bulkhead-rejected')) call.emit(this.name, 'bulkhead-rejected', this.rejected(code));
    return failure(this.error(code, this.options.maxQueueWaitMs));
  }

  // --- code that asks for a permit itself ---

  tryAcquire(given?: TryAcquireOptions): Permit | undefined {
    const { priority = 'normal' } = resolveOptions('bulkhead.tryAcquire', given, {}, tryAcquireRules);
    if (this.permits.tryTake(priorityLevel(priority))) return this.permit();
    this.permits.countRefused();
    return undefined;
  }

  acquire(given?: AcquireOptions): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const {
        signal,
        priority = 'normal',
        maxWaitMs = Infinity,
      } = resolveOptions('bulkhead.acquire', given, {}, acquireRules);
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const level = priorityLevel(priority);
      if (this.permits.tryTake(level)) return resolve(this.permit());
      const waitMs = Math.min(maxWaitMs, this.options.maxQueueWaitMs ?? Infinity);
      if (waitMs === 0) {
        this.permits.countRefused();
        return reject(this.refuseCode('BULKHEAD_WAIT_TIMEOUT', waitMs));
      }
      const waiter = new WaitingCode(level, signal, {
        granted: () => resolve(this.permit()),
        refused: () => reject(this.refuseCode('BULKHEAD_WAIT_TIMEOUT', waitMs)),
        aborted: (reason) => {
          this.permits.withdraw(waiter);
          reject(reason);
        },
      });
      if (!this.permits.enqueue(waiter, this.laneFor(waitMs))) return reject(this.refuseCode('BULKHEAD_FULL', waitMs));
      waiter.listen();
      this.tell('bulkhead-queued', { queued: this.queued, outcome: 'queued' });
    });
  }

  private permit(): Permit {
    return permitOf(() => this.permits.give());
  }

  private refuseCode(code: RejectionCode, waitMs: number): BulkheadRejectedError {
    this.tell('bulkhead-rejected', this.rejected(code));
    return this.error(code, waitMs);
  }

  private tell(type: keyof BulkheadEvents, details: object): void {
    if (!this.events.wants(type)) return;
    const timestamp = this.clock.wallTime();
    this.events.emit({ type, pipeline: undefined, policy: this.name, key: undefined, timestamp, ...details });
  }

  // --- both ---

  /** What limits a wait to so many milliseconds. */
  private laneFor(waitMs: number | undefined): TimeoutLane | undefined {
    return waitMs === undefined || waitMs === Infinity ? undefined : timeoutQueueOf(this.clock).lane(waitMs);
  }

  private rejected(code: RejectionCode): BulkheadRejectedEvent {
    return { code, running: this.running, queued: this.queued, outcome: 'refused' };
  }

  private error(code: RejectionCode, waitMs: number | undefined): BulkheadRejectedError {
    const { maxConcurrent, maxQueue } = this.options;
    const message =
      code === 'BULKHEAD_FULL'
        ? `${maxConcurrent} calls are running and ${maxQueue} are waiting`
        : `no permit within ${waitMs} ms`;
    return withoutStack(() => new BulkheadRejectedError(this.name, code, message));
  }
}
