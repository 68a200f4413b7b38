import { AbortSubscription, abortsTold } from '../policy/abort-subscription.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import { type AdmissionRequest, Waiter } from './queue/waiter.ts';
import type { Refusal } from './rate-limiter.ts';

/** The limiter that a request waits for. */
interface Withdrawable {
  withdraw(waiter: Waiter, moment: number): boolean;
  refuse(refusal: Refusal): Error;
}

/** Whom to tell, and when not to wait any longer. */
export interface WaitPromise {
  readonly signal: AbortSignal | undefined;
  readonly resolve: (decision: RateLimitDecision) => void;
  readonly reject: (error: unknown) => void;
}

/** Somebody who waits in `acquire`. */
export class PromisedAdmission extends Waiter {
  private readonly limiter: Withdrawable;
  private readonly promise: WaitPromise;
  private abort: WaitAbort | undefined = undefined;

  constructor(limiter: Withdrawable, request: AdmissionRequest, promise: WaitPromise) {
    super(request);
    this.limiter = limiter;
    this.promise = promise;
  }

  /** Listens to the signal of the caller, when there is one. */
  listen(): void {
    const { signal, reject } = this.promise;
    if (signal === undefined) return;
    this.abort = new WaitAbort((reason) => {
      if (this.limiter.withdraw(this, abortsTold())) reject(reason);
    });
    this.abort.subscribe(signal);
  }

  override admitted(decision: RateLimitDecision): void {
    this.unlisten();
    this.promise.resolve(decision);
  }

  override refused(reason: RateLimitReason, retryAfterMs: number, waitedMs: number): void {
    this.unlisten();
    this.promise.reject(this.limiter.refuse({ request: this.request, reason, retryAfterMs, waitedMs }));
  }

  private unlisten(): void {
    if (this.promise.signal !== undefined) this.abort?.unsubscribe(this.promise.signal);
  }
}

class WaitAbort extends AbortSubscription {
  private readonly aborted: (reason: unknown) => void;

  constructor(aborted: (reason: unknown) => void) {
    super();
    this.aborted = aborted;
  }

  override onAbort(reason: unknown): void {
    this.aborted(reason);
  }
}
