/** Between the headers of requests and the correlation: X-Request-ID, and traceparent and tracestate of W3C Trace Context. */
import { type HeaderSource, headerValue } from '../headers/header-source.ts';
import { formatTraceparent, parseTraceparent } from '../headers/traceparent.ts';
import { acceptedId, type Correlation, currentCorrelation, withCorrelation } from './correlation.ts';

/** The header that carries the correlation id. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** How an incoming request is read. */
export interface RequestCorrelationOptions {
  /** The headers that may carry the id, the first that has one wins; default `x-request-id`, then `x-correlation-id`. */
  readonly idHeaders?: readonly string[] | undefined;
  /**
   * Whether the id and the trace that a request brings are taken over. Default true; false for callers who are not
   * trusted to choose them: every request then has a new id.
   */
  readonly trusted?: boolean | undefined;
}

const ID_HEADERS: readonly string[] = [REQUEST_ID_HEADER, 'x-correlation-id'];
const LONGEST_STATE = 512;

/**
 * Runs the handling of a request under its correlation: the id that it brings, or a new one, and where it brings a trace,
 * a span of this process in it.
 *
 * @param headers Of the incoming request, as Node or fetch have them.
 */
export function withRequestCorrelation<T>(
  headers: HeaderSource,
  fn: () => T,
  options: RequestCorrelationOptions = {},
): T {
  return withCorrelation(correlationOf(headers, options), fn);
}

/** The headers that carry the correlation of the work under way on to another service; none where there is none. */
export function correlationHeaders(): Readonly<Record<string, string>> {
  const correlation = currentCorrelation();
  if (correlation === undefined) return {};
  const { correlationId, traceId, spanId, sampled = false, traceState } = correlation;
  const headers = { [REQUEST_ID_HEADER]: correlationId };
  if (traceId === undefined || spanId === undefined) return headers;
  const traceparent = formatTraceparent({ traceId, parentId: spanId, sampled });
  return { ...headers, traceparent, ...(traceState !== undefined && { tracestate: traceState }) };
}

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * A fetch that sends {@link correlationHeaders} with each request, except those that the request already has: for
 * `resilientFetch({ fetch: correlatedFetch() })`.
 */
export function correlatedFetch(fetch: Fetch = globalThis.fetch): Fetch {
  return (input, init) => {
    const carried = Object.entries(correlationHeaders());
    if (carried.length === 0) return fetch(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    for (const [name, value] of carried) if (!headers.has(name)) headers.set(name, value);
    return fetch(input, { ...init, headers });
  };
}

function correlationOf(headers: HeaderSource, options: RequestCorrelationOptions): Correlation | undefined {
  const { idHeaders = ID_HEADERS, trusted = true } = options;
  if (!trusted) return undefined;
  const ids = idHeaders.map((name) => acceptedId(headerValue(headers, name)));
  // An empty id is none that is accepted: a new one takes its place.
  const correlationId = ids.find((id) => id !== undefined) ?? '';
  const trace = parseTraceparent(headerValue(headers, 'traceparent'));
  if (trace === undefined) return { correlationId };
  const { traceId, sampled } = trace;
  return { correlationId, traceId, spanId: newSpanId(), sampled, traceState: acceptedState(headers) };
}

/** What has no place in a header is not handed on. */
function acceptedState(headers: HeaderSource): string | undefined {
  const state = headerValue(headers, 'tracestate');
  return state !== undefined && state.length <= LONGEST_STATE && /^[\x20-\x7e]+$/.test(state) ? state : undefined;
}

function newSpanId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  // All zeros mean that there is no span.
  bytes[0]! |= 1;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
