import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { EndpointFunction } from '../failover/endpoint-race.ts';
import type { CallOptions } from '../policy/context.ts';
import { isRequest } from './addresses.ts';
import { Attempts, AttemptTerms } from './attempts.ts';
import { type ResilientFetchOptions, resolveFetchOptions } from './options.ts';
import { type Fetch, OutgoingRequest } from './outgoing-request.ts';

/** What is needed of a {@link failover}: endpoints that are base addresses. */
export interface FetchEndpoints {
  execute<T>(fn: EndpointFunction<string | URL, T>, options?: CallOptions): Promise<Awaited<T>>;
  readonly boundClock?: Clock | undefined;
}

/**
 * A `fetch` that asks endpoints that can do the same: what {@link resilientFetch} may send its requests with.
 *
 * The path and query of a request are asked for at each endpoint, below the endpoint's own path; scheme and host of the
 * request don't matter, and it may have none. A failure status or a failure of the network hands the request to the next
 * endpoint, if it may be sent again: see `retryNonIdempotent`. Rejects with the last endpoint's HttpStatusError,
 * NetworkError or HttpTimeoutError. An endpoint's policies hold until its headers are there.
 *
 * @param options Which statuses are failures, what may be repeated, and how long connection and headers may take.
 * @throws ConfigurationError when the options can't be meant.
 */
export function endpointFetch(
  endpoints: FetchEndpoints,
  options?: Pick<
    ResilientFetchOptions,
    | 'failureStatuses'
    | 'retryNonIdempotent'
    | 'maxErrorBodyBytes'
    | 'redact'
    | 'connectTimeoutMs'
    | 'headersTimeoutMs'
    | 'fetch'
  >,
): Fetch {
  const resolved = resolveFetchOptions(options);
  const terms = new AttemptTerms(resolved, endpoints.boundClock ?? systemClock);
  return (input, init) => {
    const request = new OutgoingRequest(input, init);
    // One for all endpoints: what must not be sent twice must not be sent to two of them either.
    const attempts = new Attempts(request, terms);
    const send: EndpointFunction<string | URL, Promise<Response>> = (endpoint, context) =>
      attempts.fetchHeaders(context, addressAt(endpoint, input));
    return endpoints.execute(send, { signal: request.signal }).catch((error: unknown) => attempts.failed(error));
  };
}

/** The same path and query below another address. Set as a path, not parsed as a reference: `//a` would name a host. */
function addressAt(endpoint: string | URL, input: string | URL | Request): URL {
  const address = new URL(endpoint);
  const { pathname, search } = new URL(isRequest(input) ? input.url : input, address);
  address.pathname = `${address.pathname.replace(/\/$/, '')}${pathname}`;
  address.search = search;
  address.hash = '';
  return address;
}
