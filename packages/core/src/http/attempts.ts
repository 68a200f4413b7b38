import type { Clock } from '../clock/clock.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { deriveResponse } from './derived-response.ts';
import {
  HttpStatusError,
  InvalidRequestError,
  NetworkError,
  RequestNotRepeatableError,
  ResponseTooLargeError,
} from './errors.ts';
import { classifyFailure, neverArrived } from './network-failure.ts';
import type { ResolvedFetchOptions } from './options.ts';
import type { Fetch, OutgoingRequest } from './outgoing-request.ts';
import { readUpTo, textOf } from './whole-body.ts';

/** The attempts at one request: sends it, judges what comes back, and knows whether it may be sent once more. */
export class Attempts {
  readonly request: OutgoingRequest;
  readonly #options: ResolvedFetchOptions;
  readonly #clock: Clock;
  /** The last attempt, as long as it has not been judged. */
  #open: ExecutionContext | undefined = undefined;
  #final: { readonly error: unknown } | undefined = undefined;
  #handedOut = false;
  /** The response behind the last failure status, when the caller is to have it. */
  readonly #answers: WeakMap<HttpStatusError, Response> = new WeakMap();

  constructor(request: OutgoingRequest, options: ResolvedFetchOptions, clock: Clock) {
    this.request = request;
    this.#options = options;
    this.#clock = clock;
  }

  /** Sends the request once; the response has a status that is no failure, and its body has not been read. */
  async send(context: ExecutionContext): Promise<Response> {
    this.#refuseRepetition();
    this.#open = context;
    let response: Response;
    try {
      response = await this.request.send(this.#fetch, context, this.#options.sendDeadline);
    } catch (error) {
      throw this.explain(error, context);
    }
    if (this.#options.isFailure(response.status)) throw await this.#statusError(response, context);
    return response;
  }

  /** Reads the body of a response whole. */
  async readWhole(response: Response, context: ExecutionContext): Promise<Response> {
    if (response.body === null) return response;
    const { maxBodyBytes } = this.#options;
    let part;
    try {
      part = await readUpTo(response, maxBodyBytes);
    } catch (error) {
      throw this.explain(error, context);
    }
    if (!part.complete) throw this.#finally(new ResponseTooLargeError(this.request, maxBodyBytes));
    return deriveResponse(response, part.bytes);
  }

  /** No further attempt is made: one that is asked for fails with this error. */
  close(error: unknown): void {
    this.#final ??= { error };
  }

  /** The caller holds a response: no further attempt is made. */
  handedOut(): void {
    this.#handedOut = true;
  }

  /** The response that an error stands for, when the caller is to have that. */
  answerOf(error: unknown): Response | undefined {
    return error instanceof HttpStatusError ? this.#answers.get(error) : undefined;
  }

  /** The error to show for what sending or reading rejected with. */
  explain(error: unknown, { signal }: ExecutionContext): unknown {
    // Whoever aborts says why; the platform only says that.
    if (signal.aborted) return signal.reason;
    const failure = classifyFailure(error);
    if (failure === undefined)
      return error instanceof TypeError ? this.#finally(new InvalidRequestError(this.request, error)) : error;
    const mayRepeat = this.#mayRepeat(neverArrived(failure)) && failure.trouble !== 'TLS';
    const shown = new NetworkError(this.request, failure.trouble, failure.systemCode, error, mayRepeat);
    return mayRepeat ? this.#repeatably(shown) : this.#finally(shown);
  }

  get #fetch(): Fetch {
    return this.#options.fetch ?? globalThis.fetch;
  }

  async #statusError(response: Response, context: ExecutionContext): Promise<unknown> {
    const { status, headers } = response;
    const { maxErrorBodyBytes, maxBodyBytes, throwOnStatus } = this.#options;
    let part;
    try {
      part = await readUpTo(response, throwOnStatus ? maxErrorBodyBytes : maxBodyBytes);
    } catch (error) {
      if (context.signal.aborted) return context.signal.reason;
      if (!throwOnStatus) return this.explain(error, context);
    }
    const body = part === undefined ? undefined : textOf(response, part, maxErrorBodyBytes);
    const facts = { status, body, retryAfterMs: retryAfterMs(headers, this.#clock.wallTime(), status) };
    const mayRepeat = this.#mayRepeat(status === 429 || status === 425);
    const error = new HttpStatusError(this.request, facts, mayRepeat);
    if (!throwOnStatus && part !== undefined) {
      if (!part.complete) return this.#finally(new ResponseTooLargeError(this.request, maxBodyBytes));
      this.#answers.set(error, deriveResponse(response, part.bytes));
    }
    return mayRepeat ? this.#repeatably(error) : this.#finally(error);
  }

  /** @param hadNoEffect Whether the failure shows that the server has not acted on the request. */
  #mayRepeat(hadNoEffect: boolean): boolean {
    if (this.request.bodyObstacle !== undefined) return false;
    return hadNoEffect || this.#options.retryNonIdempotent || this.request.idempotent;
  }

  #repeatably<E>(error: E): E {
    this.#open = undefined;
    return error;
  }

  #finally<E>(error: E): E {
    this.close(error);
    return error;
  }

  /** A time limit may have ended the last attempt without its being judged; then this is where that is made up for. */
  #refuseRepetition(): void {
    if (this.#final !== undefined) throw this.#final.error;
    if (!this.#handedOut && (this.#open === undefined || this.#mayRepeat(false))) return;
    const signal = this.#open?.signal;
    throw new RequestNotRepeatableError(
      this.request,
      this.#obstacle(),
      signal?.aborted === true ? signal.reason : undefined,
    );
  }

  #obstacle(): string {
    if (this.#handedOut) return 'its response has been handed out';
    return this.request.bodyObstacle ?? `${this.request.method} without an Idempotency-Key might have its effect twice`;
  }
}
