import { AbortSubscription } from '../policy/abort-subscription.ts';
import type { RateLimitDecision } from './decision.ts';
import type { RateLimitReason } from './errors.ts';
import { Waiter } from './waiter.ts';

/** The limiter that a request waits for. */
interface Withdrawable {
  withdraw(waiter: Waiter): boolean;
  refuse(reason: RateLimitReason, retryAfterMs: number, cost: number): Error;
}

/** A request that waits for a promise's sake. */
export interface PromisedRequest {
  readonly key: string | undefined;
  readonly cost: number;
  readonly level: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (decision: RateLimitDecision) => void;
  readonly reject: (error: unknown) => void;
}

/** Somebody who waits in `acquire`. */
export class PromisedAdmission extends Waiter {
  readonly #limiter: Withdrawable;
  readonly #request: PromisedRequest;
  #abort: WaitAbort | undefined = undefined;

  constructor(limiter: Withdrawable, request: PromisedRequest) {
    super(request.key, request.cost, request.level);
    this.#limiter = limiter;
    this.#request = request;
  }

  /** Listens to the signal of the caller, when there is one. */
  listen(): void {
    const { signal } = this.#request;
    if (signal === undefined) return;
    this.#abort = new WaitAbort((reason) => {
      if (this.#limiter.withdraw(this)) this.#request.reject(reason);
    });
    this.#abort.subscribe(signal);
  }

  override admitted(decision: RateLimitDecision): void {
    this.#unlisten();
    this.#request.resolve(decision);
  }

  override refused(reason: RateLimitReason, retryAfterMs: number): void {
    this.#unlisten();
    this.#request.reject(this.#limiter.refuse(reason, retryAfterMs, this.cost));
  }

  #unlisten(): void {
    if (this.#request.signal !== undefined) this.#abort?.unsubscribe(this.#request.signal);
  }
}

class WaitAbort extends AbortSubscription {
  readonly #aborted: (reason: unknown) => void;

  constructor(aborted: (reason: unknown) => void) {
    super();
    this.#aborted = aborted;
  }

  override onAbort(reason: unknown): void {
    this.#aborted(reason);
  }
}
