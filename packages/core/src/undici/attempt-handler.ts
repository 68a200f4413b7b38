import type { ExecutionContext } from '../policy/context.ts';
import { RunListener } from '../streaming/run-listener.ts';
import type { ResolvedInterceptorOptions } from './options.ts';
import type { UndiciController, UndiciHandler, UndiciHeaders } from './undici-port.ts';

/** What an attempt has to know of its call, and tells it. */
export interface AttemptedCall {
  readonly handler: UndiciHandler;
  readonly options: ResolvedInterceptorOptions;
  /** What the handler has for a controller, whichever attempt is under way. */
  readonly controller: UndiciController;
  /** It has a connection. */
  began(controller: UndiciController, context: unknown): void;
  isFailure(status: number, context: ExecutionContext): boolean;
  /** From here on the handler sees what comes: nothing is retried. */
  handsOn(): void;
  statusError(status: number, headers: UndiciHeaders, body: string | undefined): unknown;
  networkError(error: Error): unknown;
  /** The attempt has ended with this: where the handler has seen a part of its response, the call has, too. */
  brokeOff(error: unknown): void;
}

/** A failure status, and as much of its body as its error keeps. */
interface FailedResponse {
  readonly status: number;
  readonly headers: UndiciHeaders;
  readonly decoder: TextDecoder;
  body: string;
  bytes: number;
}

/** Handles one attempt: hands a good response on, and makes an error of a failure. */
export class AttemptHandler extends RunListener implements UndiciHandler {
  private readonly call: AttemptedCall;
  private readonly context: ExecutionContext;
  private readonly resolve: () => void;
  private readonly reject: (error: unknown) => void;
  private controller: UndiciController | undefined = undefined;
  private failed: FailedResponse | undefined = undefined;
  private aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(call: AttemptedCall, context: ExecutionContext, resolve: () => void, reject: (error: unknown) => void) {
    super();
    this.call = call;
    this.context = context;
    this.resolve = resolve;
    this.reject = reject;
    this.listen(context);
  }

  override onAbort(reason: unknown): void {
    this.aborted = { reason };
    this.controller?.abort(reason instanceof Error ? reason : new Error(String(reason)));
    this.reject(reason);
    this.call.brokeOff(reason);
  }

  onRequestStart(controller: UndiciController, context: unknown): void {
    this.controller = controller;
    if (this.aborted !== undefined) return this.onAbort(this.aborted.reason);
    this.call.began(controller, context);
  }

  onRequestUpgrade(_controller: UndiciController, status: number, headers: UndiciHeaders, socket: unknown): void {
    this.call.handsOn();
    this.call.handler.onRequestUpgrade?.(this.call.controller, status, headers, socket);
    this.done(this.resolve);
  }

  onResponseStart(_controller: UndiciController, status: number, headers: UndiciHeaders, statusText?: string): void {
    if (status >= 200 && this.call.isFailure(status, this.context)) {
      this.failed = { status, headers, decoder: new TextDecoder(), body: '', bytes: 0 };
      return;
    }
    if (status >= 200) this.call.handsOn();
    this.call.handler.onResponseStart?.(this.call.controller, status, headers, statusText);
  }

  onResponseData(controller: UndiciController, chunk: Uint8Array): void {
    if (this.failed === undefined) this.call.handler.onResponseData?.(this.call.controller, chunk);
    else this.keep(this.failed, controller, chunk);
  }

  onResponseEnd(_controller: UndiciController, trailers: UndiciHeaders): void {
    if (this.failed !== undefined) return this.fail(this.failed);
    this.done(this.resolve);
    this.call.handler.onResponseEnd?.(this.call.controller, trailers);
  }

  onResponseError(_controller: UndiciController | undefined, error: Error): void {
    if (this.aborted !== undefined) return;
    if (this.failed !== undefined) return this.fail(this.failed);
    const shown = this.call.networkError(error);
    this.done(() => this.reject(shown));
    this.call.brokeOff(shown);
  }

  /** What is more than its error keeps is not waited for. */
  private keep(failed: FailedResponse, controller: UndiciController, chunk: Uint8Array): void {
    const room = this.call.options.maxErrorBodyBytes - failed.bytes;
    failed.bytes += Math.min(room, chunk.byteLength);
    failed.body += failed.decoder.decode(chunk.subarray(0, room), { stream: true });
    if (chunk.byteLength > room) controller.abort(new Error('the rest of the body of a failure is not needed'));
  }

  private fail({ status, headers, body }: FailedResponse): void {
    const type = headers['content-type'];
    const textual = type === undefined || /json|text|xml|html|urlencoded/i.test(String(type));
    const kept = textual && body !== '' ? body : undefined;
    this.done(() => this.reject(this.call.statusError(status, headers, kept)));
  }

  private done(settle: () => void): void {
    this.stopListening(this.context);
    settle();
  }
}
