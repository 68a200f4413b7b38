import type { CallOptions } from '../policy/context.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { callable, flag, implementing, integer, oneOf, type Rules } from '../options/rules.ts';
import { waitLimit } from '../streaming/options.ts';
import { canWatchExchanges } from './watched-dispatcher.ts';
import { redactText } from '../errors/redact-text.ts';
import type { Fetch } from './outgoing-request.ts';

/** What learns from a server's responses, as a rate limiter does. */
export interface LimiterFeedback {
  /** @param key The key of the call. */
  feedback(response: { readonly status: number; readonly headers: Headers }, key?: string): void;
}

/** Options of {@link resilientFetch}. */
export interface ResilientFetchOptions {
  /**
   * What a call is. `stream` (default): as with fetch, the response is handed out at its headers, and the call goes on
   * until the body has been read or cancelled, or is over where all of it came with them; after the headers nothing is retried. `buffered`: the body is read whole
   * inside the attempt and is retried as a part of it.
   */
  readonly body?: 'stream' | 'buffered' | undefined;
  /** How large a body may be that is read whole, in bytes; default 16,777,216. */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Which statuses are failures, as a list or a function; default {@link FAILURE_STATUSES}. All others are answers. Where
   * the function throws, the default judges.
   */
  readonly failureStatuses?: readonly number[] | ((status: number) => boolean) | undefined;
  /**
   * True (default): a call whose last attempt ends with a failure status rejects with a HttpStatusError. False: it
   * resolves to that last response, its body read already, as fetch would.
   */
  readonly throwOnStatus?: boolean | undefined;
  /** How much of the body of a failure its error keeps as text, in bytes; default 4,096. */
  readonly maxErrorBodyBytes?: number | undefined;
  /**
   * Whether a request that might have its effect twice may be sent again: one with a method such as POST and without
   * an Idempotency-Key. Default false: only after failures that show that it had no effect, such as status 429.
   */
  readonly retryNonIdempotent?: boolean | undefined;
  /**
   * How long an attempt may look for a connection, in milliseconds, redirects each by itself; default Infinity. The
   * platform's own limit holds besides. Only where the platform tells when it is connected: Node's `fetch` and that of undici.
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long an attempt may take to the headers of its response, in milliseconds; default Infinity. The platform's own
   * limit holds besides.
   */
  readonly headersTimeoutMs?: number | undefined;
  /**
   * How long a body may be silent while somebody waits for more, in milliseconds; default Infinity. The platform's own
   * limit holds besides.
   */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * How long a body may be left unread in stream mode, in milliseconds, before it is broken off and its permits return;
   * default 300,000. Infinity: for ever.
   */
  readonly unreadTimeoutMs?: number | undefined;
  /**
   * Takes out of the body of an error what should not stand in a log; default {@link redactText}. When it throws, the
   * error has no body.
   */
  readonly redact?: ((text: string) => string) | undefined;
  /** Is told what each response says about the server's limits: a rate limiter learns from it. */
  readonly limiter?: LimiterFeedback | undefined;
  /** Whether to tell the server how long the caller will wait, by the header `breakwater-deadline-ms`; default false. */
  readonly sendDeadline?: boolean | undefined;
  /** What the pipeline is told of a call: key, priority, cost, deadline. The signal is taken from the request. */
  readonly callOptions?: ((input: string | URL | Request, init?: RequestInit) => CallOptions) | undefined;
  /** What sends a request; default: the platform's fetch. */
  readonly fetch?: Fetch | undefined;
}

/** The statuses that another try may mend: 408, 425, 429, 500, 502, 503, 504. */
export const FAILURE_STATUSES: readonly number[] = Object.freeze([408, 425, 429, 500, 502, 503, 504]);

/** What {@link resilientFetch} does when nothing else is said. */
export const RESILIENT_FETCH_DEFAULTS: Readonly<
  Required<Omit<ResilientFetchOptions, 'callOptions' | 'fetch' | 'body' | 'limiter'>> & {
    readonly body: 'stream' | 'buffered';
  }
> = Object.freeze({
  body: 'stream',
  maxBodyBytes: 16_777_216,
  failureStatuses: FAILURE_STATUSES,
  throwOnStatus: true,
  maxErrorBodyBytes: 4_096,
  retryNonIdempotent: false,
  sendDeadline: false,
  connectTimeoutMs: Infinity,
  headersTimeoutMs: Infinity,
  bodyTimeoutMs: Infinity,
  unreadTimeoutMs: 300_000,
  redact: redactText,
});

const rules: Rules<ResilientFetchOptions> = {
  body: oneOf('stream', 'buffered'),
  maxBodyBytes: integer(1),
  failureStatuses: {
    expected: 'a list of statuses, or a function of the status',
    accepts: (value): value is readonly number[] => typeof value === 'function' || isListOfStatuses(value),
  },
  throwOnStatus: flag(),
  maxErrorBodyBytes: integer(0),
  retryNonIdempotent: flag(),
  sendDeadline: flag(),
  connectTimeoutMs: waitLimit(),
  headersTimeoutMs: waitLimit(),
  bodyTimeoutMs: waitLimit(),
  unreadTimeoutMs: waitLimit(),
  redact: callable(),
  limiter: implementing<LimiterFeedback>('a rate limiter', 'feedback'),
  callOptions: callable(),
  fetch: callable(),
};

function isListOfStatuses(value: unknown): boolean {
  return Array.isArray(value) && value.every((status) => Number.isInteger(status) && status >= 100 && status <= 599);
}

/** Options of {@link resilientFetch}, complete. */
export type ResolvedFetchOptions = Resolved<ResilientFetchOptions, typeof RESILIENT_FETCH_DEFAULTS> & {
  readonly isFailure: (status: number) => boolean;
  /** Whether an attempt has limits of its own up to its headers. */
  readonly limitsSending: boolean;
};

/** @throws ConfigurationError with all faults at once. */
export function resolveFetchOptions(given: ResilientFetchOptions | undefined): ResolvedFetchOptions {
  const options = resolveOptions('resilientFetch', given, RESILIENT_FETCH_DEFAULTS, rules);
  const { failureStatuses, connectTimeoutMs, headersTimeoutMs } = options;
  if (connectTimeoutMs !== Infinity && options.fetch === undefined && !canWatchExchanges()) {
    const expected = "nothing: this platform's fetch does not tell when it is connected; use headersTimeoutMs";
    const received = String(connectTimeoutMs);
    throw new ConfigurationError([{ path: 'resilientFetch.connectTimeoutMs', expected, received }]);
  }
  const listed = typeof failureStatuses === 'function' ? undefined : new Set(failureStatuses);
  const isFailure =
    listed === undefined ? (failureStatuses as (status: number) => boolean) : (status: number) => listed.has(status);
  return { ...options, isFailure, limitsSending: connectTimeoutMs !== Infinity || headersTimeoutMs !== Infinity };
}
