import { systemClock } from '../clock/system-clock.ts';
import { type HeaderSource, headerValue } from '../headers/header-source.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import { HttpStatusError, InvalidRequestError, NetworkError, RequestNotRepeatableError } from '../http/errors.ts';
import { classifyFailure, isRequestFault, neverArrived } from '../errors/network-failure.ts';
import { FAILURE_STATUSES } from '../http/options.ts';
import { isIdempotentMethod } from '../http/outgoing-request.ts';
import { redactText } from '../errors/redact-text.ts';
import type { FetchPipeline } from '../http/resilient-fetch.ts';
import { Attempt } from '../pipeline/attempt.ts';
import { askHook } from '../policy/policy-base.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { AttemptHandler, type AttemptedCall } from './attempt-handler.ts';
import type { ResolvedInterceptorOptions } from './options.ts';
import type { UndiciController, UndiciHandler, UndiciHeaders, UndiciRequest, UndiciSend } from './undici-port.ts';

/** A request of undici under policies: several attempts, of which one is shown to its handler. */
export class InterceptedCall implements AttemptedCall {
  readonly handler: UndiciHandler;
  readonly options: ResolvedInterceptorOptions;
  /** What the handler has for a controller, whichever attempt is under way. */
  readonly controller: CallController;
  private readonly pipeline: FetchPipeline;
  private readonly dispatch: UndiciSend;
  private readonly request: UndiciRequest;
  /** Ends the call from outside: for its handler, or because a response broke off that was handed on. */
  private readonly ending: AbortController = new AbortController();
  private begun = false;
  private handedOn = false;
  private final: { readonly error: unknown } | undefined = undefined;
  private unjudged = false;

  constructor(
    pipeline: FetchPipeline,
    dispatch: UndiciSend,
    request: UndiciRequest,
    handler: UndiciHandler,
    options: ResolvedInterceptorOptions,
  ) {
    this.pipeline = pipeline;
    this.dispatch = dispatch;
    this.request = request;
    this.handler = handler;
    this.options = options;
    this.controller = new CallController((reason) => this.ending.abort(reason));
  }

  get method(): string {
    return this.request.method;
  }

  get path(): string {
    return this.request.path.replace(/[?#].*$/s, '');
  }

  start(): void {
    const { callOptions } = this.options;
    this.pipeline
      .execute((context) => this.attempt(context), { ...callOptions?.(this.request), signal: this.ending.signal })
      .catch((error: unknown) => {
        // What undici refuses to send fails as it does without us.
        const shown = error instanceof InvalidRequestError ? error.cause : error;
        this.handler.onResponseError?.(this.controller, asError(shown));
      });
  }

  // --- what attempts tell ---

  began(controller: UndiciController, context: unknown): void {
    this.controller.current = controller;
    if (this.begun) return;
    this.begun = true;
    this.handler.onRequestStart?.(this.controller, context);
  }

  /** What can't be judged by the user's function is judged as by default. */
  isFailure(status: number, context: ExecutionContext): boolean {
    return askHook(this.options.isFailure, [status], FAILURE_STATUSES.includes(status), (thrown) => {
      if (context instanceof Attempt) context.hookFailed('resilientInterceptor', 'isFailure', thrown);
    });
  }

  /** From here on the handler sees what comes: nothing is retried. */
  handsOn(): void {
    this.handedOn = true;
  }

  statusError(status: number, headers: UndiciHeaders, body: string | undefined): unknown {
    const clock = this.pipeline.boundClock ?? systemClock;
    const facts = {
      status,
      body: body === undefined ? undefined : redactText(body),
      retryAfterMs: retryAfterMs(headers, clock.wallTime(), status),
    };
    const mayRepeat = this.mayRepeat(status === 429 || status === 425);
    return this.judged(new HttpStatusError(this, facts, mayRepeat), mayRepeat);
  }

  networkError(error: Error): unknown {
    const failure = classifyFailure(error);
    if (failure === undefined)
      return this.judged(cantBeSent(error) ? new InvalidRequestError(this, error) : error, false);
    const mayRepeat = !this.handedOn && failure.trouble !== 'TLS' && this.mayRepeat(neverArrived(failure));
    const shown = new NetworkError(this, failure.trouble, failure.systemCode, error, mayRepeat);
    return this.judged(shown, mayRepeat);
  }

  brokeOff(error: unknown): void {
    // The policies are told by the failure of the attempt; after that a retry has nothing to wait for.
    if (this.handedOn) queueMicrotask(() => queueMicrotask(() => this.ending.abort(error)));
  }

  private attempt(context: ExecutionContext): Promise<void> {
    if (this.final !== undefined) throw this.final.error;
    if (this.handedOn || (this.unjudged && !this.mayRepeat(false))) throw this.notRepeatable();
    this.unjudged = true;
    return new Promise((resolve, reject) => {
      const handler = new AttemptHandler(this, context, resolve, reject);
      try {
        this.dispatch(this.request, handler);
      } catch (error) {
        handler.onResponseError(undefined, asError(error));
      }
    });
  }

  private judged(error: unknown, mayRepeat: boolean): unknown {
    if (mayRepeat) this.unjudged = false;
    else this.final = { error };
    return error;
  }

  private mayRepeat(hadNoEffect: boolean): boolean {
    const { body, method, headers } = this.request;
    if (!isRepeatable(body)) return false;
    return hadNoEffect || this.options.retryNonIdempotent || isIdempotentMethod(method) || hasIdempotencyKey(headers);
  }

  private notRepeatable(): Error {
    const why = this.handedOn
      ? 'its response has been handed on'
      : `it is a ${this.method} without an Idempotency-Key, or its body is a stream`;
    return new RequestNotRepeatableError(this, why, undefined);
  }
}

/** Stands for the controllers of all attempts; the platform's handlers keep the first that they see. */
class CallController implements UndiciController {
  current: UndiciController | undefined = undefined;
  private readonly end: (reason: Error) => void;
  private abortedWith: Error | null = null;

  constructor(end: (reason: Error) => void) {
    this.end = end;
  }

  get aborted(): boolean {
    return this.abortedWith !== null || this.current?.aborted === true;
  }

  get paused(): boolean {
    return this.current?.paused === true;
  }

  get reason(): Error | null {
    return this.abortedWith ?? this.current?.reason ?? null;
  }

  get rawHeaders(): unknown {
    return this.current?.rawHeaders;
  }

  get rawTrailers(): unknown {
    return this.current?.rawTrailers;
  }

  abort(reason: Error): void {
    this.abortedWith ??= reason;
    this.end(reason);
  }

  pause(): void {
    this.current?.pause();
  }

  resume(): void {
    this.current?.resume();
  }
}

/** What undici finds wrong with the request itself. */
function cantBeSent(error: Error): boolean {
  const { code } = error as { readonly code?: unknown };
  return error instanceof TypeError || (typeof code === 'string' && isRequestFault(code));
}

/** Whether a body can be sent a second time. Undici's classes of forms and blobs need not be those of the platform. */
function isRepeatable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body)) return true;
  return Array.isArray(body) || REPEATABLE.has(Object.prototype.toString.call(body));
}

const REPEATABLE: ReadonlySet<string> = new Set(
  ['ArrayBuffer', 'Blob', 'File', 'FormData'].map((name) => `[object ${name}]`),
);

/** Undici takes headers as a record, as pairs in a row, or as anything that gives pairs. */
function hasIdempotencyKey(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  if (Array.isArray(headers)) return headers.some((item) => String(item).toLowerCase() === 'idempotency-key');
  if (Symbol.iterator in headers) {
    return Array.from(headers as Iterable<readonly [string]>).some(
      ([name]) => name.toLowerCase() === 'idempotency-key',
    );
  }
  return headerValue(headers as HeaderSource, 'idempotency-key') !== undefined;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
