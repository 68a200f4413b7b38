/**
 * `fetch` under the policies of a pipeline.
 *
 * `fetch` resolves when the headers are there, but the work ends with the body: a connection is in use until then, and
 * a server can fall silent in the middle. So the call of the pipeline lasts until the body has been read or cancelled,
 * while the response leaves it at the headers; see streaming/open-call.ts. Where the platform shows that the body came with
 * the headers, nothing is left that could fail, and the call ends with them; see transfer.ts.
 */
import { systemClock } from '../clock/system-clock.ts';
import type { CallOptions } from '../policy/context.ts';
import { OpenCall, type StreamPipeline } from '../streaming/open-call.ts';
import { Addresses } from './addresses.ts';
import { Attempts, AttemptTerms } from './attempts.ts';
import { type ResilientFetchOptions, resolveFetchOptions } from './options.ts';
import { OutgoingRequest } from './outgoing-request.ts';

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
 * A response whose body is still to come, and is neither read nor cancelled, keeps its call open, until a time limit of the pipeline or
 * {@link ResilientFetchOptions.unreadTimeoutMs} ends it.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function resilientFetch<Adds = never>(
  pipeline: FetchPipeline<Adds>,
  options?: ResilientFetchOptions,
): ResilientFetch<Adds> {
  const resolved = resolveFetchOptions(options);
  const terms = new AttemptTerms(resolved, pipeline.boundClock ?? systemClock);
  const addresses = new Addresses();
  return (input, init) => {
    // What fetch can't even begin with fails as it does without us. A fetch of your own may take other addresses.
    const { fetch } = resolved;
    if (!isInit(init) || (fetch === undefined && !addresses.isAddress(input)))
      return (fetch ?? globalThis.fetch)(input, init);
    const request = new OutgoingRequest(input, init);
    const attempts = new Attempts(request, terms);
    const { signal } = request;
    let callOptions: CallOptions | undefined;
    try {
      callOptions = resolved.callOptions?.(input, init);
    } catch (error) {
      return Promise.reject(error);
    }
    if (signal !== undefined) callOptions = { ...callOptions, signal };
    if (resolved.body === 'stream') return new OpenCall(pipeline, attempts, callOptions).result;
    return pipeline
      .execute((context) => attempts.fetchWhole(context), callOptions)
      .catch((error: unknown) => attempts.failed(error));
  };
}

/** Whether `fetch` takes this for options at all, and its signal for one. */
function isInit(init: unknown): boolean {
  if (init === undefined || init === null) return true;
  if (typeof init !== 'object') return false;
  const { signal } = init as { readonly signal?: unknown };
  return signal === undefined || signal === null || (typeof signal === 'object' && 'aborted' in signal);
}
