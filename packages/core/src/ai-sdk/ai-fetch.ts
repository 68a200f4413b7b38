import { FAILURE_STATUSES, type ResilientFetchOptions } from '../http/options.ts';
import { type FetchPipeline, resilientFetch } from '../http/resilient-fetch.ts';

/** Options of {@link aiFetch}: those of `resilientFetch`, but for what a provider of the AI SDK relies on. */
export type AiFetchOptions = Omit<ResilientFetchOptions, 'body' | 'throwOnStatus'>;

/** What {@link aiFetch} does otherwise than `resilientFetch` when nothing else is said. */
export const AI_FETCH_DEFAULTS: {
  readonly failureStatuses: readonly number[];
  readonly retryNonIdempotent: boolean;
} = Object.freeze({
  /** 529 is what a provider says that is overloaded. */
  failureStatuses: Object.freeze([...FAILURE_STATUSES, 529]),
  /** A completion has no effect but its price. */
  retryNonIdempotent: true,
});

/**
 * Makes what the providers of the AI SDK take as their `fetch`: calls of models under the policies of a pipeline, token
 * streams included, for their whole life.
 *
 * The last failure status becomes a response, since a provider reads the error out of its body. Give the SDK's own
 * functions `maxRetries: 0`: otherwise they repeat what the pipeline has repeated already.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function aiFetch(pipeline: FetchPipeline, options?: AiFetchOptions): typeof globalThis.fetch {
  return resilientFetch(pipeline, { ...AI_FETCH_DEFAULTS, ...options, throwOnStatus: false });
}
