/**
 * `fetch` under the policies of a pipeline.
 *
 * `fetch` resolves when the headers are there, but the work ends with the body: a connection is in use until then, and
 * a server can fall silent in the middle. So the call of the pipeline lasts until the body has been read or cancelled,
 * while the response leaves it at the headers by a side door. From then on the caller holds the body, and nothing may be
 * retried: a failure breaks the body off with its error, the policies see it, and the call ends. Where a hedge has
 * begun several attempts the first response is the caller's, and the others give their connections back.
 */
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { Attempts } from './attempts.ts';
import { InvalidRequestError } from './errors.ts';
import { guardBody, type GuardedResponse, isBodiless } from './guarded-body.ts';
import { type ResilientFetchOptions, resolveFetchOptions } from './options.ts';
import { OutgoingRequest, urlOf } from './outgoing-request.ts';

/** What is needed of a pipeline. */
export interface FetchPipeline<Adds = never> {
  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<Awaited<T> | Adds>;
  readonly boundClock?: Clock | undefined;
  /** For the compiler only: what the pipeline can add to the results of a call. */
  readonly '~types'?: { readonly adds: Adds } | undefined;
}

/** The platform's fetch, whose result may also be what a fallback of the pipeline adds. */
export type ResilientFetch<Adds = never> = (
  input: string | URL | Request,
  init?: RequestInit,
) => Promise<Response | Adds>;

/**
 * Makes a `fetch` whose calls run under the policies of `pipeline`.
 *
 * Rejects with a HttpStatusError when the last attempt ended with a failure status, with a NetworkError when no complete
 * response came, and with whatever a policy rejects with. Every other response, also with status 404, is an answer.
 *
 * A response whose body is neither read nor cancelled keeps its call open, until a time limit of the pipeline ends it.
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
    const url = urlOf(input);
    // What fetch can't even begin with fails as it does without us.
    if (url === undefined) return (resolved.fetch ?? globalThis.fetch)(input, init);
    const attempts = new Attempts(new OutgoingRequest(input, init, url), resolved, clock);
    const callOptions = resolved.callOptions?.(input, init);
    if (resolved.body === 'buffered') return bufferedCall(pipeline, attempts, callOptions);
    return new StreamingCall(pipeline, attempts, callOptions).response;
  };
}

function bufferedCall<Adds>(
  pipeline: FetchPipeline<Adds>,
  attempts: Attempts,
  options: CallOptions | undefined,
): Promise<Response | Adds> {
  const { signal } = attempts.request;
  const run = async (context: ExecutionContext): Promise<Response> =>
    attempts.readWhole(await attempts.send(context), context);
  return pipeline
    .execute(run, signal === undefined ? options : { ...options, signal })
    .catch((error: unknown) => settleFailure(attempts, error));
}

/** What the caller gets for a failed call. */
function settleFailure(attempts: Attempts, error: unknown): Response {
  const answer = attempts.answerOf(error);
  if (answer !== undefined) return answer;
  throw error instanceof InvalidRequestError ? error.cause : error;
}

/** A call whose response is handed out while it goes on. */
class StreamingCall<Adds> {
  readonly response: Promise<Response | Adds>;
  readonly #attempts: Attempts;
  /** Ends the call from outside: for the caller, or because its body broke off. */
  readonly #end: AbortController = new AbortController();
  #handOut!: (response: Response | Adds) => void;
  /**
   * The response that the caller has. Whatever another run, begun by a hedge, comes to from then on is nothing to the
   * call: it lets go of its response and ends as that one does.
   */
  #held: GuardedResponse | undefined = undefined;

  constructor(pipeline: FetchPipeline<Adds>, attempts: Attempts, options: CallOptions | undefined) {
    this.#attempts = attempts;
    this.response = new Promise((resolve, reject) => {
      this.#handOut = resolve;
      const stopListening = this.#followCaller();
      pipeline
        .execute((context) => this.#run(context), { ...options, signal: this.#end.signal })
        .catch((error: unknown) => settleFailure(attempts, error))
        .then(resolve, reject)
        .finally(stopListening);
    });
  }

  async #run(context: ExecutionContext): Promise<Response> {
    let response: Response;
    try {
      response = await this.#attempts.send(context);
    } catch (error) {
      if (this.#held !== undefined) return endOf(this.#held);
      throw error;
    }
    if (this.#held !== undefined) {
      release(response);
      return endOf(this.#held);
    }
    if (isBodiless(response)) return response;
    // A run that is no longer wanted hands nothing out, also where what sent it pays no heed to its signal.
    if (context.signal.aborted) {
      release(response);
      throw context.signal.reason;
    }
    const guarded = guardBody(response, context.signal, (error) => this.#attempts.explain(error, context));
    this.#held = guarded;
    this.#attempts.handedOut();
    this.#handOut(guarded.response);
    try {
      await guarded.ended;
    } catch (error) {
      this.#attempts.close(error);
      this.#breakOff(error);
      throw error;
    }
    return guarded.response;
  }

  /** The caller holds a broken body: the policies are told by the failure of this run, and then nothing is waited for. */
  #breakOff(error: unknown): void {
    queueMicrotask(() => queueMicrotask(() => this.#end.abort(error)));
  }

  #followCaller(): () => void {
    const { signal } = this.#attempts.request;
    if (signal === undefined) return () => undefined;
    if (signal.aborted) {
      this.#end.abort(signal.reason);
      return () => undefined;
    }
    const following = new Following(this.#end);
    following.subscribe(signal);
    return () => following.unsubscribe(signal);
  }
}

async function endOf({ response, ended }: GuardedResponse): Promise<Response> {
  await ended;
  return response;
}

/** Gives back the connection of a response that nobody will read. */
function release(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

class Following extends AbortSubscription {
  readonly #controller: AbortController;

  constructor(controller: AbortController) {
    super();
    this.#controller = controller;
  }

  override onAbort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}
