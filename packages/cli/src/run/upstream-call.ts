import type { ResponseValue } from '../output/response-value.ts';
import { responseValue } from '../output/response-value.ts';
import type { FailureCategory, RowError, RowOutcome } from '../output/row-result.ts';
import type { RenderedRequest } from '../template/request-template.ts';

/**
 * A call that failed by no fault of the row. `fault`: may go better at once, costs an attempt. `unreachable`: never
 * reached the upstream. `rate-limited`: the upstream wants it later. The last two cost the row nothing.
 */
export class UpstreamFault extends Error {
  readonly kind: 'fault' | 'unreachable' | 'rate-limited';
  readonly rowError: RowError;
  /** What the upstream asked to wait; a retry honours it. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: UpstreamFault['kind'], rowError: RowError) {
    super(rowError.message);
    this.name = 'UpstreamFault';
    this.kind = kind;
    this.rowError = rowError;
    this.retryAfterMs = rowError.retryAfterMs;
  }
}

/** What an attempt is told: whether it was answered, and with which status. */
export interface Reply {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
  readonly retryAfterMs: number | undefined;
  /** Where a redirect leads. */
  readonly location: string | null;
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const retriedStatuses = new Set([408, 425, 500, 502, 503, 504]);
const maxResponseInError = 500;

/** Calls once, and reads the whole body: until then the call is not over. */
export async function callOnce(
  request: RenderedRequest,
  signal: AbortSignal,
  retryAfter: (headers: Headers, status: number) => number | undefined,
): Promise<Reply> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal,
      // A redirect may lead to another host, which must not get the credentials.
      redirect: 'manual',
    });
    const { status, headers } = response;
    return {
      status,
      contentType: headers.get('content-type'),
      body: await response.text(),
      retryAfterMs: status < 400 ? undefined : retryAfter(headers, status),
      location: status >= 300 && status < 400 ? headers.get('location') : null,
    };
  } catch (error) {
    if (signal.aborted) throw error;
    throw networkFault(error);
  }
}

function networkFault(error: unknown): UpstreamFault {
  const causes: unknown[] = [];
  for (let at: unknown = error; at instanceof Error && causes.length < 5; at = at.cause) causes.push(at);
  const innermost = causes.at(-1) as (Error & { code?: string; errors?: { code?: string }[] }) | undefined;
  const code = innermost?.code ?? innermost?.errors?.[0]?.code ?? 'NETWORK';
  const said = innermost?.message || (error as Error).message;
  const message =
    code === 'UND_ERR_SOCKET' ? `the connection was cut before the whole answer had come (${said})` : said;
  return new UpstreamFault(unreachable.has(code) ? 'unreachable' : 'fault', { code, category: 'network', message });
}

/** What a reply means for the row; throws what the upstream is to blame for. */
export function judgeReply(reply: Reply, pointer: readonly string[] | undefined): RowOutcome {
  const { status } = reply;
  if (status === 429)
    throw new UpstreamFault('rate-limited', httpError(reply, 'rate_limit', 'the upstream limits the rate'));
  if (retriedStatuses.has(status) || status >= 520) {
    throw new UpstreamFault(
      'fault',
      httpError(reply, status === 408 ? 'timeout' : 'external_service', 'the upstream failed'),
    );
  }
  if (status >= 200 && status < 300) return judgeValue(status, responseValue(reply.body, reply.contentType, pointer));
  return { ok: false, error: httpError(reply, ...meaningOf(status, reply.location)) };
}

function judgeValue(status: number, found: ResponseValue): RowOutcome {
  if (found.kind === 'value') return { ok: true, status, value: found.value };
  if (found.kind === 'no-such-value') {
    return { ok: false, error: { code: 'NO_SUCH_VALUE', category: 'parsing', message: found.message, status } };
  }
  throw new UpstreamFault('fault', { code: 'INVALID_JSON', category: 'parsing', message: found.message, status });
}

function meaningOf(status: number, location: string | null): [FailureCategory, string] {
  if (status === 401) return ['authentication', 'the credentials are missing or wrong'];
  if (status === 403) return ['authentication', 'the credentials do not permit this'];
  if (status === 404 || status === 410) return ['not_found', 'the upstream knows no such thing'];
  if (status >= 300 && status < 400)
    return ['rejected', `the upstream redirects to ${location ?? 'nowhere'}; give the final address as --url`];
  return [status >= 500 ? 'external_service' : 'rejected', 'the upstream refused the request'];
}

function httpError(reply: Reply, category: FailureCategory, meaning: string): RowError {
  const response = reply.body.trim().slice(0, maxResponseInError);
  return {
    code: `HTTP_${reply.status}`,
    category,
    message: `${reply.status}: ${meaning}`,
    status: reply.status,
    ...(reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs }),
    ...(response === '' ? {} : { response }),
  };
}
