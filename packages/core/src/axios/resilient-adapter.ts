import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { HeaderSource } from '../headers/header-source.ts';
import { headerValue } from '../headers/header-source.ts';
import { retryAfterMs } from '../headers/retry-after.ts';
import { classifyFailure, neverArrived } from '../errors/network-failure.ts';
import { FAILURE_STATUSES } from '../http/options.ts';
import { isIdempotentMethod } from '../http/outgoing-request.ts';
import type { FetchPipeline } from '../http/resilient-fetch.ts';
import { Attempt } from '../pipeline/attempt.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { callable, flag, type Rules } from '../options/rules.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { askHook } from '../policy/policy-base.ts';
import type { AxiosAdapterLike, AxiosConfigLike, AxiosErrorLike, AxiosResponseLike } from './axios-port.ts';
import { Cancelling } from './cancelling.ts';

/** Options of {@link resilientAdapter}. */
export interface ResilientAdapterOptions<Config extends AxiosConfigLike = AxiosConfigLike> {
  /** Which statuses are failures for the policies; default those of `resilientFetch`. */
  readonly isFailure?: ((status: number) => boolean) | undefined;
  /** Whether a request that might have its effect twice may be sent again; default false. */
  readonly retryNonIdempotent?: boolean | undefined;
  /** What the pipeline is told of a call: key, priority, cost, deadline. The signal is taken from the configuration. */
  readonly callOptions?: ((config: Config) => CallOptions) | undefined;
}

/** What {@link resilientAdapter} does when nothing else is said. */
export const RESILIENT_ADAPTER_DEFAULTS: Readonly<
  Required<Pick<ResilientAdapterOptions, 'isFailure' | 'retryNonIdempotent'>>
> = Object.freeze({
  isFailure: (status: number) => FAILURE_STATUSES.includes(status),
  retryNonIdempotent: false,
});

const rules: Rules<ResilientAdapterOptions> = {
  isFailure: callable(),
  retryNonIdempotent: flag(),
  callOptions: callable(),
};

/**
 * Makes an adapter of axios that sends under the policies of a pipeline what another adapter sends:
 * `axios.create({ adapter: resilientAdapter(api, axios.getAdapter('http')) })`.
 *
 * Callers get what axios gives: its responses, and its errors for the statuses that `validateStatus` refuses. Policies
 * see a failure where the status is one or no response came, with `retryAfterMs` from the response's headers, and with
 * `retryable: false` where the request must not be sent again. A status such as 404, which axios throws, is an answer to
 * them. With `responseType: 'stream'` a call lasts until its headers are there.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function resilientAdapter<Config extends AxiosConfigLike, Response extends AxiosResponseLike>(
  pipeline: FetchPipeline,
  adapter: AxiosAdapterLike<Config, Response>,
  options?: ResilientAdapterOptions<Config>,
): AxiosAdapterLike<Config, Response> {
  const resolved = resolveOptions(
    'resilientAdapter',
    options as ResilientAdapterOptions,
    RESILIENT_ADAPTER_DEFAULTS,
    rules,
  );
  const clock = pipeline.boundClock ?? systemClock;
  return async (config) => {
    const request = new AxiosRequest(config, adapter, resolved, clock);
    const callOptions = resolved.callOptions?.(config);
    const cancelling = new Cancelling(config);
    const { signal } = cancelling;
    const answer = await pipeline
      .execute((context) => request.send(context), { ...callOptions, signal })
      .catch((error: unknown) => new Answer<Response>(request.responseOf(error), error));
    cancelling.end();
    const { response, error } = answer;
    request.discardAllBut(response ?? (error as AxiosErrorLike | null | undefined)?.response);
    if (response !== undefined) return response;
    throw error;
  };
}

/** What axios makes of a request: a response, or an error. */
class Answer<Response> {
  readonly response: Response | undefined;
  readonly error: unknown;

  constructor(response: Response | undefined, error?: unknown) {
    this.response = response;
    this.error = error;
  }
}

/** A failure status in a response that axios would hand out: what the policies get instead. */
class FailedResponse<Response> extends Error {
  readonly response: Response;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;

  constructor(response: Response & AxiosResponseLike, retryAfter: number | undefined, retryable: boolean) {
    super(`answered with status ${response.status}`);
    this.response = response;
    this.retryAfterMs = retryAfter;
    this.retryable = retryable;
  }
}

class AxiosRequest<Config extends AxiosConfigLike, Response extends AxiosResponseLike> {
  private readonly config: Config;
  private readonly adapter: AxiosAdapterLike<Config, Response>;
  private readonly options: Resolved<ResilientAdapterOptions, typeof RESILIENT_ADAPTER_DEFAULTS>;
  private readonly clock: Clock;
  /** The responses that have come, whose bodies may be streams. */
  private readonly received: Set<AxiosResponseLike> = new Set();

  constructor(
    config: Config,
    adapter: AxiosAdapterLike<Config, Response>,
    options: Resolved<ResilientAdapterOptions, typeof RESILIENT_ADAPTER_DEFAULTS>,
    clock: Clock,
  ) {
    this.config = config;
    this.adapter = adapter;
    this.options = options;
    this.clock = clock;
  }

  /** Lets go of all responses but the one that the caller gets. */
  discardAllBut(kept: AxiosResponseLike | undefined): void {
    for (const response of this.received) if (response !== kept) letGo(response);
    this.received.clear();
  }

  /** Sends it once; rejects only with what is a failure to the policies. */
  async send(context: ExecutionContext): Promise<Answer<Response>> {
    const { signal } = context;
    this.discardAllBut(undefined);
    let response: Response;
    try {
      response = await this.adapter({ ...this.config, signal });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return this.judge(error, context);
    }
    if (signal.aborted) {
      letGo(response);
      throw signal.reason;
    }
    this.received.add(response);
    if (!this.isFailure(response, context)) return new Answer(response);
    throw new FailedResponse(response, this.waitOf(response), this.mayRepeat(hadNoEffect(response.status)));
  }

  /** The response that stands behind the last failure, where axios would hand one out. */
  responseOf(error: unknown): Response | undefined {
    return error instanceof FailedResponse ? (error.response as Response) : undefined;
  }

  private judge(error: unknown, context: ExecutionContext): Answer<Response> {
    if (typeof error !== 'object' || error === null) throw error;
    const { response } = error as AxiosErrorLike;
    if (response !== undefined) return this.judgeAnswered(error, response, context);
    const failure = classifyFailure(error);
    const retryable = !isPointless(error) && this.mayRepeat(failure !== undefined && neverArrived(failure));
    throw Object.assign(error, { retryable });
  }

  /** What axios makes of a status that `validateStatus` refuses. */
  private judgeAnswered(error: object, response: AxiosResponseLike, context: ExecutionContext): Answer<Response> {
    this.received.add(response);
    if (!this.isFailure(response, context)) return new Answer<Response>(undefined, error);
    const retryAfter = this.waitOf(response);
    throw Object.assign(error, {
      retryable: this.mayRepeat(hadNoEffect(response.status)),
      ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
    });
  }

  /** What can't be judged by the user's function is judged as by default. */
  private isFailure({ status }: AxiosResponseLike, context: ExecutionContext): boolean {
    return askHook(this.options.isFailure, [status], FAILURE_STATUSES.includes(status), (thrown) => {
      if (context instanceof Attempt) context.hookFailed('resilientAdapter', 'isFailure', thrown);
    });
  }

  private waitOf({ status, headers }: AxiosResponseLike): number | undefined {
    return retryAfterMs(headers as HeaderSource, this.clock.wallTime(), status);
  }

  private mayRepeat(withoutEffect: boolean): boolean {
    const { method, data, headers } = this.config;
    if (isStream(data)) return false;
    if (withoutEffect || this.options.retryNonIdempotent || isIdempotentMethod(method ?? 'get')) return true;
    return headers !== undefined && headerValue(headers as HeaderSource, 'idempotency-key') !== undefined;
  }
}

/** Statuses with which a server says that it has not acted on the request. */
function hadNoEffect(status: number): boolean {
  return status === 429 || status === 425;
}

/** What no other try will mend: a request that can't be sent, or an answer larger than the caller takes. */
function isPointless(error: object): boolean {
  const { code, message, name } = error as Readonly<Record<'code' | 'message' | 'name', unknown>>;
  if (typeof code === 'string' && POINTLESS.test(code)) return true;
  // Axios gives these no code, and takes over the name of what it wraps.
  return String(message).startsWith('maxContentLength ') || (name === 'TypeError' && !classifyFailure(error));
}

const POINTLESS = /^ERR_(?:BAD_OPTION|BAD_REQUEST|FR_|INVALID_|NOT_SUPPORT)/;

/** Ends the transfer behind a response that nobody gets. */
function letGo({ data }: AxiosResponseLike): void {
  if (!isStream(data)) return;
  const stream = data as { destroy?(): void; cancel?(): Promise<void> };
  if (stream.destroy === undefined) stream.cancel?.().catch(() => undefined);
  else stream.destroy();
}

/** Streams can be sent once. */
function isStream(data: unknown): boolean {
  const stream = data as { readonly pipe?: unknown; readonly getReader?: unknown } | null | undefined;
  return typeof stream?.pipe === 'function' || typeof stream?.getReader === 'function';
}
