import { DEADLINE_HEADER } from '../headers/deadline.ts';
import { isRequest, pathOf } from './addresses.ts';
import type { RequestFacts } from './errors.ts';

/** `fetch` as the platform has it. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** Whether sending a request with this method twice is the same as sending it once (RFC 9110, section 9.2.2). */
export function isIdempotentMethod(method: string): boolean {
  return IDEMPOTENT.has(method.toUpperCase());
}

/** A request as the caller gave it, which may have to be sent several times. */
export class OutgoingRequest implements RequestFacts {
  readonly method: string;
  private readonly input: string | URL | Request;
  private readonly init: RequestInit | undefined;

  constructor(input: string | URL | Request, init: RequestInit | undefined) {
    this.input = input;
    this.init = init;
    const method = init?.method ?? (isRequest(input) ? input.method : undefined);
    this.method = method === undefined ? 'GET' : upperCase(method);
  }

  /** Whether the caller gave a Request. */
  get isRequest(): boolean {
    return isRequest(this.input);
  }

  get path(): string {
    return pathOf(this.input);
  }

  /** The signal that the caller gave. */
  get signal(): AbortSignal | undefined {
    return this.init?.signal ?? (isRequest(this.input) && this.init?.signal !== null ? this.input.signal : undefined);
  }

  /** What undici's extension of `fetch` sends it through, where the caller said so. */
  get dispatcher(): unknown {
    return (this.init as { readonly dispatcher?: unknown } | undefined)?.dispatcher;
  }

  /** Why the body can't be sent a second time; undefined when it can. */
  get bodyObstacle(): string | undefined {
    const body = this.init?.body ?? undefined;
    if (body === undefined) {
      const used = isRequest(this.input) && this.input.body !== null;
      return used ? 'the body of a Request can be sent only once' : undefined;
    }
    return isRepeatableBody(body) ? undefined : 'a body that is a stream can be sent only once';
  }

  /** Whether sending it twice is the same as sending it once: by its method, or because it has an Idempotency-Key. */
  get idempotent(): boolean {
    return isIdempotentMethod(this.method) || this.headers().has('idempotency-key');
  }

  /**
   * Sends it once.
   *
   * @param own What the attempt says to `fetch`, above all what can end it.
   * @param deadline What the server is told of how long the caller will wait.
   * @param address Where to, when it is not its own address.
   */
  send(fetch: Fetch, own: RequestInit, deadline: string | undefined, address?: URL): Promise<Response> {
    const init = this.init === undefined ? own : { ...this.init, ...own };
    if (deadline !== undefined) {
      const headers = this.headers();
      headers.set(DEADLINE_HEADER, deadline);
      init.headers = headers;
    }
    if (address === undefined) return fetch(this.input, init);
    return fetch(isRequest(this.input) ? new Request(address, this.input) : address, init);
  }

  private headers(): Headers {
    return new Headers(this.init?.headers ?? (isRequest(this.input) ? this.input.headers : undefined));
  }
}

function isRepeatableBody(body: NonNullable<RequestInit['body']>): boolean {
  if (typeof body === 'string' || body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return true;
  return body instanceof URLSearchParams || body instanceof Blob || body instanceof FormData;
}

/** To fetch whatever becomes a string is a method. */
function upperCase(method: { toString(): string }): string {
  return method.toString().toUpperCase();
}
