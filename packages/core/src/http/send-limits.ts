import type { Clock } from '../clock/clock.ts';
import { waitLane, WaitLimit } from '../streaming/wait-limit.ts';
import { HttpTimeoutError } from './errors.ts';
import type { ResolvedFetchOptions } from './options.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** The limits on one attempt up to its headers: the time to a connection, and that to the headers. */
export class SendLimits {
  private readonly connect: WaitLimit;
  private readonly headers: WaitLimit;

  /** @param onExpiry Told when one of them is reached. */
  constructor(
    request: OutgoingRequest,
    clock: Clock,
    { connectTimeoutMs, headersTimeoutMs, retryNonIdempotent }: ResolvedFetchOptions,
    onExpiry: (error: HttpTimeoutError) => void,
  ) {
    const resendable = request.bodyObstacle === undefined;
    const repeatable = resendable && (retryNonIdempotent || request.idempotent);
    this.connect = new WaitLimit(waitLane(clock, connectTimeoutMs), () =>
      onExpiry(new HttpTimeoutError(request, 'connect', connectTimeoutMs, resendable)),
    );
    this.headers = new WaitLimit(waitLane(clock, headersTimeoutMs), () =>
      onExpiry(new HttpTimeoutError(request, 'headers', headersTimeoutMs, repeatable)),
    );
  }

  start(): void {
    this.headers.start();
  }

  /** It looks for a connection, after a redirect once more. */
  connecting(): void {
    this.connect.stop();
    this.connect.start();
  }

  connected(): void {
    this.connect.stop();
  }

  stop(): void {
    this.connect.stop();
    this.headers.stop();
  }
}
