import type { Clock } from '../clock/clock.ts';
import type { TimeoutLane } from '../clock/timeout-queue.ts';
import { formatDeadline } from '../headers/deadline.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import { Attempt } from '../pipeline/attempt.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { Opened, Opener, Opening } from '../streaming/open-call.ts';
import { waitLane } from '../streaming/wait-limit.ts';
import { readUpTo } from './body-part.ts';
import { deriveResponse } from './derived-response.ts';
import {
  HttpStatusError,
  HttpTimeoutError,
  InvalidRequestError,
  NetworkError,
  RequestNotRepeatableError,
  ResponseTooLargeError,
} from './errors.ts';
import { GuardedBody, isBodiless } from './guarded-body.ts';
import { classifyFailure, neverArrived } from '../errors/network-failure.ts';
import { FAILURE_STATUSES, type ResolvedFetchOptions } from './options.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { Transfer } from './transfer.ts';

/** The responses behind failure statuses, where the caller is to have those. */
const answers: WeakMap<HttpStatusError, Response> = new WeakMap();

/** What the attempts at all requests of one `fetch` have in common. */
export class AttemptTerms {
  readonly options: ResolvedFetchOptions;
  readonly clock: Clock;
  /** Where waits for a chunk of a body stand; undefined when they have no limit. */
  readonly idleLane: TimeoutLane | undefined;
  /** Where bodies stand that nobody reads; undefined when they may for ever. */
  readonly unreadLane: TimeoutLane | undefined;

  constructor(options: ResolvedFetchOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    this.idleLane = waitLane(clock, options.bodyTimeoutMs);
    this.unreadLane = waitLane(clock, options.unreadTimeoutMs);
  }
}

/** The attempts at one request: sends it, judges what comes back, and knows whether it may be sent once more. */
export class Attempts implements Opener<Response> {
  readonly request: OutgoingRequest;
  private readonly options: ResolvedFetchOptions;
  private readonly terms: AttemptTerms;
  /** The last attempt, as long as it has not been judged. */
  private unjudged: ExecutionContext | undefined = undefined;
  private final: { readonly error: unknown } | undefined = undefined;

  constructor(request: OutgoingRequest, terms: AttemptTerms) {
    this.request = request;
    this.options = terms.options;
    this.terms = terms;
  }

  /** Sends the request once, and hands the response out with its headers. */
  open(context: ExecutionContext, opening: Opening<Response>): void {
    const transfer = this.begin(context);
    transfer.send(
      this.deadline(context),
      undefined,
      (response) => this.received(response, context, transfer, opening),
      (error: unknown) => opening.failed(this.explain(error, transfer)),
    );
  }

  /** Sends the request once, and reads the body of the response. */
  async fetchWhole(context: ExecutionContext): Promise<Response> {
    const transfer = this.begin(context);
    try {
      return await this.readWhole(await this.headersOf(transfer, context), transfer);
    } finally {
      transfer.close();
    }
  }

  /**
   * Sends the request once; the body of the response has not been read, and nobody watches it.
   *
   * @param address Where to, when it is not the request's own address.
   */
  async fetchHeaders(context: ExecutionContext, address?: URL): Promise<Response> {
    const transfer = this.begin(context);
    try {
      return await this.headersOf(transfer, context, address);
    } finally {
      transfer.close();
    }
  }

  private async headersOf(transfer: Transfer, context: ExecutionContext, address?: URL): Promise<Response> {
    const response = await new Promise<Response>((resolve, reject) => {
      transfer.send(this.deadline(context), address, resolve, (error) => reject(this.explain(error, transfer)));
    });
    this.tellLimiter(response, context);
    if (this.isFailure(response, context)) throw await this.statusError(response, context, transfer);
    return response;
  }

  private received(
    response: Response,
    context: ExecutionContext,
    transfer: Transfer,
    opening: Opening<Response>,
  ): void {
    this.tellLimiter(response, context);
    if (!this.isFailure(response, context)) return opening.opened(this.handedOut(response, transfer));
    const failed = (error: unknown): void => {
      transfer.close();
      opening.failed(error);
    };
    this.statusError(response, context, transfer).then(failed, failed);
  }

  private handedOut(response: Response, transfer: Transfer): Opened<Response> {
    if (!transfer.hasArrived(response) && !isBodiless(response)) return new GuardedBody(response, transfer, this);
    transfer.close();
    return new NothingToCome(response);
  }

  private async readWhole(response: Response, transfer: Transfer): Promise<Response> {
    if (response.body === null) return response;
    const { maxBodyBytes } = this.options;
    let part;
    try {
      part = await readUpTo(response, maxBodyBytes, this);
    } catch (error) {
      throw this.explain(error, transfer);
    }
    if (!part.complete) throw this.finally(new ResponseTooLargeError(this.request, maxBodyBytes));
    return deriveResponse(response, part.bytes);
  }

  get idleLane(): TimeoutLane | undefined {
    return this.terms.idleLane;
  }

  get unreadLane(): TimeoutLane | undefined {
    return this.terms.unreadLane;
  }

  /** The error for a chunk of a body that did not come in time, or for a body that nobody read. */
  overdue(phase: 'body' | 'unread'): HttpTimeoutError {
    const { body, bodyTimeoutMs, unreadTimeoutMs } = this.options;
    // Only a body that is read inside its attempt can be asked for once more.
    const repeatable = body === 'buffered' && this.mayRepeat(false);
    return new HttpTimeoutError(this.request, phase, phase === 'body' ? bodyTimeoutMs : unreadTimeoutMs, repeatable);
  }

  /** The error to show for what sending or reading rejected with. */
  explain(error: unknown, { ended }: Transfer): unknown {
    // Whoever ends it says why; the platform only says that.
    const shown = ended === undefined ? error : ended.reason;
    if (isJudged(shown)) return shown.retryable ? this.repeatably(shown) : this.finally(shown);
    return ended === undefined ? this.explainFailure(error) : shown;
  }

  failed(error: unknown): Response {
    const answer = error instanceof HttpStatusError ? answers.get(error) : undefined;
    if (answer !== undefined) return answer;
    throw error instanceof InvalidRequestError ? error.cause : error;
  }

  private explainFailure(error: unknown): unknown {
    const failure = classifyFailure(error);
    if (failure === undefined)
      return error instanceof TypeError ? this.finally(new InvalidRequestError(this.request, error)) : error;
    const mayRepeat = this.mayRepeat(neverArrived(failure)) && failure.trouble !== 'TLS';
    const shown = new NetworkError(this.request, failure.trouble, failure.systemCode, error, mayRepeat);
    return mayRepeat ? this.repeatably(shown) : this.finally(shown);
  }

  private begin(context: ExecutionContext): Transfer {
    this.refuseRepetition();
    this.unjudged = context;
    return new Transfer(this.request, context, this.options, this.terms.clock);
  }

  /** What the server is told of how long the caller will wait. */
  private deadline(context: ExecutionContext): string | undefined {
    return this.options.sendDeadline ? formatDeadline(context.remainingMs) : undefined;
  }

  private tellLimiter(response: Response, context: ExecutionContext): void {
    const { limiter } = this.options;
    if (limiter === undefined) return;
    try {
      limiter.feedback(response, context.key);
    } catch (error) {
      tellHookFailed(context, 'limiter', error);
    }
  }

  /** What can't be judged by the user's function is judged as by default. */
  private isFailure({ status }: Response, context: ExecutionContext): boolean {
    try {
      return this.options.isFailure(status);
    } catch (error) {
      tellHookFailed(context, 'failureStatuses', error);
      return FAILURE_STATUSES.includes(status);
    }
  }

  private async statusError(response: Response, context: ExecutionContext, transfer: Transfer): Promise<unknown> {
    const { status, headers } = response;
    const { maxErrorBodyBytes, maxBodyBytes, throwOnStatus } = this.options;
    let part;
    try {
      part = await readUpTo(response, throwOnStatus ? maxErrorBodyBytes : maxBodyBytes, this);
    } catch (error) {
      if (transfer.ended !== undefined) return transfer.ended.reason;
      if (!throwOnStatus) return this.explain(error, transfer);
    }
    const text = part?.textOf(response, maxErrorBodyBytes);
    const body = text === undefined ? undefined : this.redacted(text, context);
    const facts = { status, body, retryAfterMs: retryAfterMs(headers, this.terms.clock.wallTime(), status) };
    const mayRepeat = this.mayRepeat(status === 429 || status === 425);
    const error = new HttpStatusError(this.request, facts, mayRepeat);
    if (!throwOnStatus && part !== undefined) {
      if (!part.complete) return this.finally(new ResponseTooLargeError(this.request, maxBodyBytes));
      answers.set(error, deriveResponse(response, response.body === null ? null : part.bytes));
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
    this.unjudged = undefined;
    return error;
  }

  private finally<E>(error: E): E {
    this.final ??= { error };
    return error;
  }

  /** A time limit may have ended the last attempt without its being judged; then this is where that is made up for. */
  private refuseRepetition(): void {
    if (this.final !== undefined) throw this.final.error;
    if (this.unjudged === undefined || this.mayRepeat(false)) return;
    const { signal } = this.unjudged;
    throw new RequestNotRepeatableError(this.request, this.obstacle(), signal.aborted ? signal.reason : undefined);
  }

  private obstacle(): string {
    return this.request.bodyObstacle ?? `${this.request.method} without an Idempotency-Key might have its effect twice`;
  }
}

/** Whether it says itself if the request may be sent again, as errors of a `fetch` of ours inside this one do. */
function isJudged(error: unknown): error is HttpStatusError | HttpTimeoutError | NetworkError {
  return error instanceof HttpStatusError || error instanceof HttpTimeoutError || error instanceof NetworkError;
}

function tellHookFailed(context: ExecutionContext, hook: string, error: unknown): void {
  if (context instanceof Attempt) context.hookFailed('resilientFetch', hook, error);
}

/** A response of which nothing is left to come. */
class NothingToCome implements Opened<Response> {
  readonly value: Response;
  readonly streamEnd: undefined;

  constructor(response: Response) {
    this.value = response;
  }

  release(): void {
    this.value.body?.cancel().catch(() => undefined);
  }
}
