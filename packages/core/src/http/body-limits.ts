import type { Clock } from '../clock/clock.ts';
import { WaitLimit } from '../streaming/wait-limit.ts';
import { HttpTimeoutError } from './errors.ts';
import type { ResolvedFetchOptions } from './options.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** How long the body of a response may keep its reader waiting, and its reader the body. */
export class BodyLimits {
  private readonly request: OutgoingRequest;
  private readonly clock: Clock;
  private readonly options: ResolvedFetchOptions;

  constructor(request: OutgoingRequest, clock: Clock, options: ResolvedFetchOptions) {
    this.request = request;
    this.clock = clock;
    this.options = options;
  }

  get limitsIdleness(): boolean {
    return this.options.bodyTimeoutMs !== Infinity;
  }

  /** A limit on the wait for a chunk; undefined when there is none. */
  idle(onExpiry: (error: HttpTimeoutError) => void): WaitLimit | undefined {
    return this.limit('body', this.options.bodyTimeoutMs, onExpiry);
  }

  /** A limit on how long nobody reads; undefined when there is none. */
  unread(onExpiry: (error: HttpTimeoutError) => void): WaitLimit | undefined {
    return this.limit('unread', this.options.unreadTimeoutMs, onExpiry);
  }

  /** Only a body that is read inside its attempt can be asked for once more. */
  private get mayRepeat(): boolean {
    if (this.options.body === 'stream' || this.request.bodyObstacle !== undefined) return false;
    return this.options.retryNonIdempotent || this.request.idempotent;
  }

  private limit(
    phase: 'body' | 'unread',
    timeoutMs: number,
    onExpiry: (error: HttpTimeoutError) => void,
  ): WaitLimit | undefined {
    if (timeoutMs === Infinity) return undefined;
    return new WaitLimit(this.clock, timeoutMs, () =>
      onExpiry(new HttpTimeoutError(this.request, phase, timeoutMs, this.mayRepeat)),
    );
  }
}
