import type { Clock } from '../clock/clock.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { OwnRun } from '../streaming/own-run.ts';
import { waitLane, WaitLimit } from '../streaming/wait-limit.ts';
import { type ConnectionWatcher, watchingDispatcher } from './connection-watch.ts';
import { HttpTimeoutError } from './errors.ts';
import type { ResolvedFetchOptions } from './options.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** The limits on one attempt up to its headers: the time to a connection, and that to the headers. */
export class SendLimits implements ConnectionWatcher {
  /** The context of the attempt; its signal is aborted as well when a limit is reached. */
  readonly run: OwnRun;
  private readonly connect: WaitLimit;
  private readonly headers: WaitLimit;
  private giveUp: ((reason: unknown) => void) | undefined = undefined;

  constructor(request: OutgoingRequest, context: ExecutionContext, clock: Clock, options: ResolvedFetchOptions) {
    const { connectTimeoutMs, headersTimeoutMs, retryNonIdempotent } = options;
    const resendable = request.bodyObstacle === undefined;
    const repeatable = resendable && (retryNonIdempotent || request.idempotent);
    this.run = new OwnRun(context, (reason) => this.end(reason)).follow();
    this.connect = new WaitLimit(waitLane(clock, connectTimeoutMs), () =>
      this.end(new HttpTimeoutError(request, 'connect', connectTimeoutMs, resendable)),
    );
    this.headers = new WaitLimit(waitLane(clock, headersTimeoutMs), () =>
      this.end(new HttpTimeoutError(request, 'headers', headersTimeoutMs, repeatable)),
    );
    this.headers.start();
  }

  /** What `fetch` has to be given so that it can be ended, and tells when it is connected. */
  init({ dispatcher: given }: OutgoingRequest, { connectTimeoutMs }: ResolvedFetchOptions): RequestInit {
    const { signal } = this.run;
    const dispatcher = connectTimeoutMs === Infinity ? undefined : watchingDispatcher(given, this);
    return dispatcher === undefined ? { signal } : ({ signal, dispatcher } as RequestInit);
  }

  /** The response, or as soon as the signal is aborted its reason, also where what sends pays no heed to it. */
  within(send: () => Promise<Response>): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.giveUp = reject;
      send().then(
        (response) => {
          this.stop();
          if (this.run.signal.aborted) response.body?.cancel().catch(() => undefined);
          resolve(response);
        },
        (error: unknown) => {
          this.stop();
          reject(error);
        },
      );
    });
  }

  /** A redirect looks for a connection again. */
  connecting(): void {
    this.connect.stop();
    this.connect.start();
  }

  connected(): void {
    this.connect.stop();
  }

  private stop(): void {
    this.connect.stop();
    this.headers.stop();
  }

  private end(reason: unknown): void {
    this.stop();
    this.run.abort(reason);
    this.giveUp?.(reason);
  }
}
