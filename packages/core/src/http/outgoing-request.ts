import { DEADLINE_HEADER, formatDeadline } from '../headers/deadline.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { RequestFacts } from './errors.ts';

/** `fetch` as the platform has it. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** A request as the caller gave it, which may have to be sent several times. */
export class OutgoingRequest implements RequestFacts {
  readonly method: string;
  readonly #input: string | URL | Request;
  readonly #init: RequestInit | undefined;
  readonly #url: URL;

  constructor(input: string | URL | Request, init: RequestInit | undefined, url: URL) {
    this.#input = input;
    this.#init = init;
    this.#url = url;
    this.method = (init?.method ?? (isRequest(input) ? input.method : 'GET')).toUpperCase();
  }

  get path(): string {
    return this.#url.pathname;
  }

  /** The signal that the caller gave. */
  get signal(): AbortSignal | undefined {
    return (
      this.#init?.signal ?? (isRequest(this.#input) && this.#init?.signal !== null ? this.#input.signal : undefined)
    );
  }

  /** Why the body can't be sent a second time; undefined when it can. */
  get bodyObstacle(): string | undefined {
    const body = this.#init?.body ?? undefined;
    if (body === undefined) {
      const used = isRequest(this.#input) && this.#input.body !== null;
      return used ? 'the body of a Request can be sent only once' : undefined;
    }
    return isRepeatableBody(body) ? undefined : 'a body that is a stream can be sent only once';
  }

  /** Whether sending it twice is the same as sending it once: by its method, or because it has an Idempotency-Key. */
  get idempotent(): boolean {
    return IDEMPOTENT.has(this.method) || this.#headers().has('idempotency-key');
  }

  /** Sends it once, in the run of `context`. */
  send(fetch: Fetch, context: ExecutionContext, withDeadline: boolean): Promise<Response> {
    const { signal } = context;
    const deadline = withDeadline ? formatDeadline(context.remainingMs) : undefined;
    if (deadline === undefined) return fetch(this.#input, { ...this.#init, signal });
    const headers = this.#headers();
    headers.set(DEADLINE_HEADER, deadline);
    return fetch(this.#input, { ...this.#init, signal, headers });
  }

  #headers(): Headers {
    return new Headers(this.#init?.headers ?? (isRequest(this.#input) ? this.#input.headers : undefined));
  }
}

/** The URL of a request, relative to the page where there is one; undefined when it is none. */
export function urlOf(input: string | URL | Request): URL | undefined {
  const { location } = globalThis as { readonly location?: { readonly href?: string } };
  try {
    return new URL(isRequest(input) ? input.url : String(input), location?.href);
  } catch {
    return undefined;
  }
}

function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'url' in input;
}

function isRepeatableBody(body: NonNullable<RequestInit['body']>): boolean {
  if (typeof body === 'string' || body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return true;
  return body instanceof URLSearchParams || body instanceof Blob || body instanceof FormData;
}
