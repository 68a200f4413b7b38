import { timeoutQueueOf } from '../clock/timeout-queue.ts';
import { withoutStack } from '../errors/rejection.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { count, oneOf, positiveMilliseconds, type Rules } from '../options/rules.ts';
import type { CallOptions } from '../policy/context.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import { PolicyBase, type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import { type Call, type HookPolicy, WAIT, type Wait } from '../policy/policy.ts';
import { priorityLevel } from '../policy/priority.ts';
import { BulkheadRejectedError } from './errors.ts';
import { Permits } from './permits.ts';
import { WaitingCall, WaitingCode } from './waiting.ts';
import { Waiter } from './waiter.ts';

/** Options of a bulkhead. */
export interface BulkheadOptions extends PolicyOptions {
  /** How many calls may run at once; at least 1, or Infinity; default 10. */
  readonly maxConcurrent?: number | undefined;
  /** How many more may wait for one of them to end; default 0: they are refused at once. */
  readonly maxQueue?: number | undefined;
  /** How long a call may wait in the queue, in milliseconds; default: as long as its caller does. */
  readonly maxQueueWaitMs?: number | undefined;
  /**
   * When a permit returns: with the `outcome` that the bulkhead sees (default), which after a timeout may be before the
   * function has ended, or when it has `settled`.
   */
  readonly releaseOn?: 'outcome' | 'settled' | undefined;
}

/** The defaults of a bulkhead. */
export const bulkheadDefaults: {
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  readonly releaseOn: 'outcome';
} = Object.freeze({
  maxConcurrent: 10,
  maxQueue: 0,
  releaseOn: 'outcome',
});

const bulkheadRules: Rules<BulkheadOptions> = Object.freeze({
  ...policyOptionRules,
  maxConcurrent: count(1),
  maxQueue: count(0),
  maxQueueWaitMs: positiveMilliseconds(),
  releaseOn: oneOf('outcome', 'settled'),
});

/** A bulkhead refused a call. */
export interface BulkheadRejectedEvent {
  readonly code: 'BULKHEAD_FULL' | 'BULKHEAD_WAIT_TIMEOUT';
  readonly running: number;
  readonly queued: number;
  readonly outcome: 'refused';
}

/** A call waits in a bulkhead's queue. */
export interface BulkheadQueuedEvent {
  /** How many wait, this call included. */
  readonly queued: number;
  readonly outcome: 'queued';
}

/** The events of a bulkhead. */
export interface BulkheadEvents {
  'bulkhead-queued': BulkheadQueuedEvent;
  'bulkhead-rejected': BulkheadRejectedEvent;
}

/** What `using` needs, where the compiler's library knows it. */
export type DisposableWhereKnown = SymbolConstructor extends { readonly dispose: infer Key extends symbol }
  ? { readonly [Name in Key]: () => void }
  : unknown;

/** The right to run; give it back once, by `release` or by the end of a `using` block. */
export type Permit = { release(): void } & DisposableWhereKnown;

/** A bulkhead; see {@link bulkhead}. */
export interface Bulkhead extends HookPolicy<BulkheadEvents, never> {
  readonly kind: 'bulkhead';
  readonly name: string;
  /** How many permits are taken. */
  readonly running: number;
  /** How many wait. */
  readonly queued: number;
  /**
   * Takes a permit for code that is not a function of a pipeline: `using permit = await bulkhead.acquire()`.
   *
   * @throws BulkheadRejectedError, or the reason of the signal's abort.
   */
  acquire(options?: Pick<CallOptions, 'signal' | 'priority'>): Promise<Permit>;
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

/** Remembers of a call its waiter while it waits, and nothing while it has its permit. */
class BulkheadPolicy extends PolicyBase implements Bulkhead {
  readonly kind = 'bulkhead';
  readonly waits: boolean;
  private readonly options: Resolved<BulkheadOptions, typeof bulkheadDefaults>;
  private readonly permits: Permits;

  constructor(given: BulkheadOptions) {
    const options = resolveOptions('bulkhead', given, bulkheadDefaults, bulkheadRules);
    super('bulkhead', options);
    this.options = options;
    this.waits = options.maxQueue > 0;
    this.permits = new Permits(options.maxConcurrent, options.maxQueue);
  }

  get running(): number {
    return this.permits.taken;
  }

  get queued(): number {
    return this.permits.waiting;
  }

  enter(call: Call, at: number): Outcome | Wait | undefined {
    if (this.permits.tryTakeUncontended() || this.permits.tryTake(call.priorityLevel)) return undefined;
    const waiter = new WaitingCall(this, call, at);
    if (!this.queue(waiter)) return this.refuse(call, 'BULKHEAD_FULL');
    call.keep(at, waiter);
    if (call.wants('bulkhead-queued'))
      call.emit(this.name, 'bulkhead-queued', { queued: this.queued, outcome: 'queued' });
    return WAIT;
  }

  leave(call: Call, _at: number, outcome: Outcome): Outcome {
    this.giveBack(call);
    return outcome;
  }

  cancel(call: Call, at: number): void {
    const waiter = call.kept(at) as WaitingCall | undefined;
    if (waiter === undefined) return this.giveBack(call);
    call.keep(at, undefined);
    this.permits.leaveQueue(waiter);
  }

  acquire(options: Pick<CallOptions, 'signal' | 'priority'> = {}): Promise<Permit> {
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const level = priorityLevel(options.priority ?? 'normal');
    if (this.permits.tryTake(level)) return Promise.resolve(this.permit());
    return new Promise((resolve, reject) => {
      const waiter = new WaitingCode(level, signal, {
        granted: () => resolve(this.permit()),
        refused: () => reject(this.error('BULKHEAD_WAIT_TIMEOUT')),
        aborted: () => {
          this.permits.leaveQueue(waiter);
          reject(signal!.reason as Error);
        },
      });
      if (this.queue(waiter)) waiter.listen();
      else reject(this.error('BULKHEAD_FULL'));
    });
  }

  private permit(): Permit {
    let held = true;
    const release = (): void => {
      if (held) this.permits.give();
      held = false;
    };
    return Object.assign({ release }, Symbol.dispose === undefined ? {} : { [Symbol.dispose]: release }) as Permit;
  }

  /** The permit is the call's. */
  proceed(call: Call, at: number): void {
    call.keep(at, undefined);
    call.resume(at);
  }

  /** The call waited too long. */
  refuseWaiting(call: Call, at: number): void {
    call.keep(at, undefined);
    call.complete(at, this.refuse(call, 'BULKHEAD_WAIT_TIMEOUT'));
  }

  private queue(waiter: Waiter): boolean {
    if (!this.permits.enqueue(waiter)) return false;
    const { maxQueueWaitMs } = this.options;
    if (maxQueueWaitMs !== undefined) {
      waiter.limit(timeoutQueueOf(this.clock).lane(maxQueueWaitMs), (expired) => {
        if (this.permits.leaveQueue(expired)) expired.refused();
      });
    }
    return true;
  }

  private giveBack(call: Call): void {
    if (this.options.releaseOn === 'settled') call.whenIdle(() => this.permits.give());
    else this.permits.give();
  }

  private refuse(call: Call, code: 'BULKHEAD_FULL' | 'BULKHEAD_WAIT_TIMEOUT'): Failure {
    if (call.wants('bulkhead-rejected'))
      call.emit(this.name, 'bulkhead-rejected', {
        code,
        running: this.running,
        queued: this.queued,
        outcome: 'refused',
      });
    return failure(this.error(code));
  }

  private error(code: 'BULKHEAD_FULL' | 'BULKHEAD_WAIT_TIMEOUT'): BulkheadRejectedError {
    const { maxConcurrent, maxQueue, maxQueueWaitMs } = this.options;
    const message =
      code === 'BULKHEAD_FULL'
        ? `${maxConcurrent} calls are running and ${maxQueue} are waiting`
        : `no permit within ${maxQueueWaitMs} ms`;
    return withoutStack(() => new BulkheadRejectedError(this.name, code, message));
  }
}
