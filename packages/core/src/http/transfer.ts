import type { Clock } from '../clock/clock.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { RunListener } from '../streaming/run-listener.ts';
import type { ResolvedFetchOptions } from './options.ts';
import type { Fetch, OutgoingRequest } from './outgoing-request.ts';
import { SendLimits } from './send-limits.ts';
import { type ExchangeWatcher, WatchedDispatcher } from './watched-dispatcher.ts';

/**
 * Fetch functions of the platform that have been seen to send through the dispatcher that they are given. Such a request
 * is ended there, and needs no signal: for one, fetch makes a controller more and registers both with the collector,
 * which keeps whatever belongs to the request until its next full run.
 */
const dispatching: WeakSet<Fetch> = new WeakSet();

/** One request on its way, from the call of `fetch` to the end of its response. It ends with its run, if not before. */
export class Transfer extends RunListener implements ExchangeWatcher {
  /** Why it was ended before its time; undefined where it was not. */
  ended: { readonly reason: unknown } | undefined = undefined;
  private readonly request: OutgoingRequest;
  private readonly context: ExecutionContext;
  private readonly options: ResolvedFetchOptions;
  private readonly fetch: Fetch;
  private readonly limits: SendLimits | undefined;
  private dispatcher: WatchedDispatcher | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private onEnd: ((reason: unknown) => void) | undefined = undefined;
  private allHere = false;

  constructor(request: OutgoingRequest, context: ExecutionContext, options: ResolvedFetchOptions, clock: Clock) {
    super();
    this.request = request;
    this.context = context;
    this.options = options;
    this.fetch = options.fetch ?? globalThis.fetch;
    this.limits = options.limitsSending
      ? new SendLimits(request, clock, options, (error) => this.end(error))
      : undefined;
  }

  /**
   * Sends the request, and tells once what came of it; `failed` as soon as it is ended, also where what sends pays no heed
   * to that. By callbacks: on the way of a good response every promise counts.
   *
   * @param deadline What the server is told of how long the caller will wait.
   * @param address Where to, when it is not the request's own address.
   */
  send(
    deadline: string | undefined,
    address: URL | undefined,
    received: (response: Response) => void,
    failed: (error: unknown) => void,
  ): void {
    this.onEnd = failed;
    this.limits?.start();
    this.listen(this.context);
    if (this.ended !== undefined) return;
    this.request.send(this.fetch, this.means(), deadline, address).then(
      (response) => {
        this.limits?.stop();
        if (this.ended === undefined) received(response);
        else response.body?.cancel().catch(() => undefined);
      },
      (error: unknown) => {
        if (this.ended !== undefined) return;
        this.close();
        failed(error);
      },
    );
  }

  /**
   * Whether nothing of the response can fail any more: all of it is here, as it will be read, and no signal of the caller's
   * can take it back.
   */
  hasArrived({ headers }: Response): boolean {
    return this.allHere && this.request.signal === undefined && !headers.has('content-encoding');
  }

  /** Who is told, from now on, when it is ended before its time; at once when it has been. */
  whenEnded(listener: (reason: unknown) => void): void {
    if (this.ended === undefined) this.onEnd = listener;
    else listener(this.ended.reason);
  }

  /** Ends it before its time. */
  end(reason: unknown): void {
    if (this.ended !== undefined) return;
    this.ended = { reason };
    const { onEnd } = this;
    this.close();
    onEnd?.(reason);
    if (this.controller !== undefined) this.controller.abort(reason);
    else this.dispatcher?.abort(reason);
  }

  /** It has come to its own end: nobody is listened to any more, nor told. */
  close(): void {
    this.onEnd = undefined;
    this.limits?.stop();
    this.dispatcher?.unwatch();
    this.stopListening(this.context);
  }

  override onAbort(reason: unknown): void {
    this.end(reason);
  }

  connecting(): void {
    if (this.controller !== undefined) dispatching.add(this.fetch);
    this.allHere = false;
    this.limits?.connecting();
  }

  connected(): void {
    this.limits?.connected();
  }

  arrived(): void {
    this.allHere = true;
  }

  /** What `fetch` has to be given so that the request can be watched, and ended. */
  private means(): RequestInit {
    const { request, options } = this;
    const isPlatforms = options.fetch === undefined;
    // A Request may have a dispatcher of its own that nobody is shown.
    const isVisible = (isPlatforms && !request.isRequest) || options.connectTimeoutMs !== Infinity;
    const dispatcher = isVisible ? WatchedDispatcher.around(request.dispatcher, this) : undefined;
    this.dispatcher = dispatcher;
    if (isPlatforms && dispatcher !== undefined && dispatching.has(this.fetch))
      // The caller's signal is listened to once for all calls; fetch would leave a listener on it for each.
      return { dispatcher, ...(request.signal === undefined ? {} : { signal: null }) } as RequestInit;
    this.controller = new AbortController();
    const { signal } = this.controller;
    return dispatcher === undefined ? { signal } : ({ signal, dispatcher } as RequestInit);
  }
}
