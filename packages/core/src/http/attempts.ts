import type { Clock } from '../clock/clock.ts';
import { formatDeadline } from '../headers/deadline.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import { Attempt } from '../pipeline/attempt.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { readUpTo } from './body-part.ts';
import { BodyLimits } from './body-limits.ts';
import { deriveResponse } from './derived-response.ts';
import {
  HttpStatusError,
  HttpTimeoutError,
  InvalidRequestError,
  NetworkError,
  RequestNotRepeatableError,
  ResponseTooLargeError,
} from './errors.ts';
import { classifyFailure, neverArrived } from './network-failure.ts';
import type { ResolvedFetchOptions } from './options.ts';
import type { Fetch, OutgoingRequest } from './outgoing-request.ts';
import { SendLimits } from './send-limits.ts';

/** The responses behind failure statuses, where the caller is to have those. */
const answers: WeakMap<HttpStatusError, Response> = new WeakMap();

/** The response that an error stands for, when the caller is to have that. */
export function answerOf(error: unknown): Response | undefined {
  return error instanceof HttpStatusError ? answers.get(error) : undefined;
}

/** The attempts at one request: sends it, judges what comes back, and knows whether it may be sent once more. */
export class Attempts {
  readonly request: OutgoingRequest;
  private readonly options: ResolvedFetchOptions;
  private readonly clock: Clock;
  /** The last attempt, as long as it has not been judged. */
  private open: ExecutionContext | undefined = undefined;
  private final: { readonly error: unknown } | undefined = undefined;

  constructor(request: OutgoingRequest, options: ResolvedFetchOptions, clock: Clock) {
    this.request = request;
    this.options = options;
    this.clock = clock;
  }

  /** Sends the request once; the response has a status that is no failure, and its body has not been read. */
  async send(context: ExecutionContext): Promise<Response> {
    this.refuseRepetition();
    this.open = context;
    const limits = this.options.limitsSending
      ? new SendLimits(this.request, context, this.clock, this.options)
      : undefined;
    let response: Response;
    try {
      response = await this.sendWithin(context, limits);
    } catch (error) {
      throw this.explain(error, limits?.run ?? context);
    } finally {
      limits?.stop();
    }
    if (this.options.limiter !== undefined) this.tellLimiter(response, context);
    if (this.options.isFailure(response.status)) throw await this.statusError(response, context);
    return response;
  }

  /** Reads the body of a response whole. */
  async readWhole(response: Response, context: ExecutionContext): Promise<Response> {
    if (response.body === null) return response;
    const { maxBodyBytes } = this.options;
    let part;
    try {
      part = await readUpTo(response, maxBodyBytes, this.bodyLimits);
    } catch (error) {
      throw this.explain(error, context);
    }
    if (!part.complete) throw this.finally(new ResponseTooLargeError(this.request, maxBodyBytes));
    return deriveResponse(response, part.bytes);
  }

  get bodyLimits(): BodyLimits {
    return new BodyLimits(this.request, this.clock, this.options);
  }

  /** The error to show for what sending or reading rejected with. */
  explain(error: unknown, { signal }: { readonly signal: AbortSignal }): unknown {
    // Whoever aborts says why; the platform only says that.
    const shown: unknown = signal.aborted ? signal.reason : error;
    if (shown instanceof HttpTimeoutError) return shown.retryable ? this.repeatably(shown) : this.finally(shown);
    return signal.aborted ? shown : this.explainFailure(error);
  }

  /** The error of an attempt after which another one's response was handed out. */
  handedOutError(): Error {
    return new RequestNotRepeatableError(this.request, 'its response has been handed out', undefined);
  }

  private explainFailure(error: unknown): unknown {
    const failure = classifyFailure(error);
    if (failure === undefined)
      return error instanceof TypeError ? this.finally(new InvalidRequestError(this.request, error)) : error;
    const mayRepeat = this.mayRepeat(neverArrived(failure)) && failure.trouble !== 'TLS';
    const shown = new NetworkError(this.request, failure.trouble, failure.systemCode, error, mayRepeat);
    return mayRepeat ? this.repeatably(shown) : this.finally(shown);
  }

  private sendWithin(context: ExecutionContext, limits: SendLimits | undefined): Promise<Response> {
    const fetch: Fetch = this.options.fetch ?? globalThis.fetch;
    const deadline = this.options.sendDeadline ? formatDeadline(context.remainingMs) : undefined;
    if (limits === undefined) return this.request.send(fetch, context.signal, deadline);
    return limits.orSooner(this.request.send(fetch, limits.run.signal, deadline, limits.init(this.request, this.options)));
  }

  private tellLimiter(response: Response, context: ExecutionContext): void {
    try {
      this.options.limiter?.feedback(response, context.key);
    } catch (error) {
      tellHookFailed(context, 'limiter', error);
    }
  }

  private async statusError(response: Response, context: ExecutionContext): Promise<unknown> {
    const { status, headers } = response;
    const { maxErrorBodyBytes, maxBodyBytes, throwOnStatus } = this.options;
    let part;
    try {
      part = await readUpTo(response, throwOnStatus ? maxErrorBodyBytes : maxBodyBytes, this.bodyLimits);
    } catch (error) {
      if (context.signal.aborted) return context.signal.reason;
      if (!throwOnStatus) return this.explain(error, context);
    }
    const text = part?.textOf(response, maxErrorBodyBytes);
    const body = text === undefined ? undefined : this.redacted(text, context);
    const facts = { status, body, retryAfterMs: retryAfterMs(headers, this.clock.wallTime(), status) };
    const mayRepeat = this.mayRepeat(status === 429 || status === 425);
    const error = new HttpStatusError(this.request, facts, mayRepeat);
    if (!throwOnStatus && part !== undefined) {
      if (!part.complete) return this.finally(new ResponseTooLargeError(this.request, maxBodyBytes));
      answers.set(error, deriveResponse(response, part.bytes));
    }
    return mayRepeat ? this.repeatably(error) : this.finally(error);
  }

  /** A redaction that fails lets nothing through. */
  private redacted(text: string, context: ExecutionContext): string | undefined {
    try {
      return this.options.redact(text);
    } catch (error) {
      tellHookFailed(context, 'redact', error);
      return undefined;
    }
  }

  /** @param hadNoEffect Whether the failure shows that the server has not acted on the request. */
  private mayRepeat(hadNoEffect: boolean): boolean {
    if (this.request.bodyObstacle !== undefined) return false;
    return hadNoEffect || this.options.retryNonIdempotent || this.request.idempotent;
  }

  private repeatably<E>(error: E): E {
    this.open = undefined;
    return error;
  }

  private finally<E>(error: E): E {
    this.final ??= { error };
    return error;
  }

  /** A time limit may have ended the last attempt without its being judged; then this is where that is made up for. */
  private refuseRepetition(): void {
    if (this.final !== undefined) throw this.final.error;
    if (this.open === undefined || this.mayRepeat(false)) return;
    const { signal } = this.open;
    throw new RequestNotRepeatableError(this.request, this.obstacle(), signal.aborted ? signal.reason : undefined);
  }

  private obstacle(): string {
    return this.request.bodyObstacle ?? `${this.request.method} without an Idempotency-Key might have its effect twice`;
  }
}

function tellHookFailed(context: ExecutionContext, hook: string, error: unknown): void {
  if (context instanceof Attempt) context.hookFailed('resilientFetch', hook, error);
}
