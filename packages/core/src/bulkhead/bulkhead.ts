import { withoutStack } from '../errors/rejection.ts';
import type { EventChannel } from '../events/channel.ts';
import { OwnerChannel } from '../events/owner-channel.ts';
import type { PermitStatistics } from '../gates/permits.ts';
import { PermitPolicy, type PermitRefusal } from '../gates/permit-policy.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
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

const CODES = Object.freeze({ full: 'BULKHEAD_FULL', long: 'BULKHEAD_WAIT_TIMEOUT' } as const);

class BulkheadPolicy extends PermitPolicy implements Bulkhead {
  readonly kind = 'bulkhead';
  readonly events: OwnerChannel<BulkheadEvents> = new OwnerChannel(this.name, () => this.clock);
  readonly options: Resolved<BulkheadOptions, typeof bulkheadDefaults>;

  constructor(given: BulkheadOptions) {
    const options = resolveOptions('bulkhead', given, bulkheadDefaults, bulkheadRules);
    super('bulkhead', options, options.maxConcurrent);
    this.options = options;
  }

  get running(): number {
    return this.permits.taken;
  }

  // --- calls of pipelines ---

  /** While a call has its permit there is nothing to remember, unless the permit returns with the function itself. */
  protected override admitted(call: Call, at: number): void {
    if (this.untilSettled) call.keep(at, call.leftBehind);
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    if (this.untilSettled) this.giveBack(call, call.kept(at) as ReadonlySet<unknown> | undefined);
    else this.permits.give();
    return outcome;
  }

  protected override cancelled(call: Call, at: number, outcome: Failure): void {
    this.leave(call, at, outcome);
  }

  protected override tellQueued(call: Call): void {
    if (call.wants('bulkhead-queued'))
      call.emit(this.name, 'bulkhead-queued', { queued: this.queued, outcome: 'queued' });
  }

  protected override refuse(call: Call, why: PermitRefusal): Failure {
    const error = this.error(why, this.options.maxQueueWaitMs);
    if (call.wants('bulkhead-rejected')) call.emit(this.name, 'bulkhead-rejected', this.rejected(why));
    return failure(error);
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
        return reject(this.refuseCode('long', waitMs));
      }
      const waiter = new WaitingCode(level, signal, {
        granted: () => resolve(this.permit()),
        refused: () => reject(this.refuseCode('long', waitMs)),
        aborted: (reason) => {
          this.permits.withdraw(waiter);
          reject(reason);
        },
      });
      if (!this.permits.enqueue(waiter, this.laneFor(waitMs))) return reject(this.refuseCode('full', waitMs));
      waiter.listen();
      this.events.tell('bulkhead-queued', { queued: this.queued, outcome: 'queued' });
    });
  }

  private permit(): Permit {
    return permitOf(() => this.permits.give());
  }

  private refuseCode(why: PermitRefusal, waitMs: number): BulkheadRejectedError {
    const error = this.error(why, waitMs);
    this.events.tell('bulkhead-rejected', this.rejected(why));
    return error;
  }

  // --- both ---

  private rejected(why: PermitRefusal): BulkheadRejectedEvent {
    return { code: CODES[why], running: this.running, queued: this.queued, outcome: 'refused' };
  }

  private error(why: PermitRefusal, waitMs: number | undefined): BulkheadRejectedError {
    const { maxConcurrent, maxQueue } = this.options;
    const message =
      why === 'full'
        ? `${maxConcurrent} calls are running and ${maxQueue} are waiting`
        : `no permit within ${waitMs} ms`;
    return withoutStack(() => new BulkheadRejectedError(this.name, CODES[why], message));
  }
}
