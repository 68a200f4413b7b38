/**
 * `fetch` under the policies of a pipeline.
 *
 * `fetch` resolves when the headers are there, but the work ends with the body: a connection is in use until then, and
 * a server can fall silent in the middle. So the call of the pipeline lasts until the body has been read or cancelled,
 * while the response leaves it at the headers; see streaming/open-call.ts.
 */
import { systemClock } from '../clock/system-clock.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { OpenCall, type Opened, type Opener, type StreamPipeline } from '../streaming/open-call.ts';
import { answerOf, Attempts } from './attempts.ts';
import { InvalidRequestError } from './errors.ts';
import { GuardedBody, isBodiless } from './guarded-body.ts';
import { type ResilientFetchOptions, resolveFetchOptions } from './options.ts';
import { isAddress, OutgoingRequest } from './outgoing-request.ts';

/** What is needed of a pipeline. */
export type FetchPipeline<Adds = never> = StreamPipeline<Adds>;

/** The platform's fetch, whose result may also be what a fallback of the pipeline adds. */
export type ResilientFetch<Adds = never> = (
  input: string | URL | Request,
  init?: RequestInit,
) => Promise<Response | Adds>;

/**
 * Makes a `fetch` whose calls run under the policies of `pipeline`.
 *
 * Rejects with a HttpStatusError when the last attempt ended with a failure status, with a NetworkError when no complete
 * response came, with a HttpTimeoutError when a part of it took too long, and with whatever a policy rejects with. Every
 * other response, also with status 404, is an answer.
 *
 * A response whose body is neither read nor cancelled keeps its call open, until a time limit of the pipeline or
 * {@link ResilientFetchOptions.unreadTimeoutMs} ends it.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function resilientFetch<Adds = never>(
  pipeline: FetchPipeline<Adds>,
  options?: ResilientFetchOptions,
): ResilientFetch<Adds> {
  const resolved = resolveFetchOptions(options);
  const clock = pipeline.boundClock ?? systemClock;
  return (input, init) => {
    // What fetch can't even begin with fails as it does without us.
    if (!isAddress(input)) return (resolved.fetch ?? globalThis.fetch)(input, init);
    const request = new OutgoingRequest(input, init);
    const attempts = new Attempts(request, resolved, clock);
    const callOptions = withSignal(resolved.callOptions?.(input, init), request.signal);
    const result =
      resolved.body === 'buffered'
        ? bufferedCall(pipeline, attempts, callOptions)
        : new OpenCall(pipeline, new ResponseOpener(attempts), callOptions).result;
    return result.catch(settleFailure);
  };
}

function withSignal(options: CallOptions | undefined, signal: AbortSignal | undefined): CallOptions | undefined {
  return signal === undefined ? options : { ...options, signal };
}

function bufferedCall<Adds>(
  pipeline: FetchPipeline<Adds>,
  attempts: Attempts,
  options: CallOptions | undefined,
): Promise<Response | Adds> {
  return pipeline.execute(async (context) => attempts.readWhole(await attempts.send(context), context), options);
}

/** What the caller gets for a failed call. */
function settleFailure(error: unknown): Response {
  const answer = answerOf(error);
  if (answer !== undefined) return answer;
  throw error instanceof InvalidRequestError ? error.cause : error;
}

/** Opens a response: sends the request and watches the body of what comes back. */
class ResponseOpener implements Opener<Response> {
  private readonly attempts: Attempts;

  constructor(attempts: Attempts) {
    this.attempts = attempts;
  }

  async open(context: ExecutionContext): Promise<Opened<Response>> {
    const response = await this.attempts.send(context);
    if (isBodiless(response)) return new Bodiless(response);
    return new GuardedBody(response, context, this.attempts.bodyLimits, (error) => this.attempts.explain(error, context));
  }

  supersededError(): Error {
    return this.attempts.handedOutError();
  }
}

/** A response with nothing to wait for. */
class Bodiless implements Opened<Response> {
  readonly value: Response;
  readonly streamEnd: undefined;

  constructor(response: Response) {
    this.value = response;
  }

  release(): void {
    this.value.body?.cancel().catch(() => undefined);
  }
}
