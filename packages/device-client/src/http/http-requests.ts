import type { Clock } from 'breakwater/clock';
import type { Fetch } from 'breakwater/http';
import { InvalidResponse } from '../errors/errors.ts';
import { bodyText } from './body-text.ts';
import { problemError } from './problem-error.ts';

/** A token, or what gives one: asked before each request, so that tokens may change. */
export type Token = string | (() => string | Promise<string>);

/** Where the service is, and how it is spoken to. */
export interface HttpSettings {
  /** Its address, with the path before `/v1` where it has one. */
  readonly url: string;
  readonly token: Token | undefined;
  /** Headers that every request carries beside the client's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** What sends a request. */
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** One request of the client. */
export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: object | undefined;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal;
}

/** An answer, its body read. */
export interface HttpAnswer {
  readonly status: number;
  readonly value: unknown;
}

/** Sends requests to the service and tells answers from problems. */
export class HttpRequests {
  private readonly settings: HttpSettings;

  constructor(settings: HttpSettings) {
    this.settings = settings;
  }

  /**
   * The answer, when its status is one of these or a success.
   *
   * @throws The error that the problem stands for, or what the platform's fetch fails with.
   */
  async send(request: HttpRequest, expected: readonly number[] = []): Promise<HttpAnswer> {
    const what = `${request.method} ${request.path}`;
    const response = await this.open(request);
    const text = await bodyText(response, what);
    const { status } = response;
    if (!response.ok && !expected.includes(status)) throw this.problem(what, response, text);
    if (status === 204) return { status, value: undefined };
    try {
      return { status, value: JSON.parse(text) };
    } catch (cause) {
      if (!response.ok) throw this.problem(what, response, text);
      throw new InvalidResponse(`${what}: the answer is no JSON: is this the device cache?`, [], { cause });
    }
  }

  /** The response at its headers, whatever its status. */
  async open({ method, path, query, body, headers, signal }: HttpRequest): Promise<Response> {
    const { settings } = this;
    const token = typeof settings.token === 'function' ? await settings.token() : settings.token;
    return settings.fetch(`${settings.url}${path}${queryText(query)}`, {
      method,
      headers: {
        accept: 'application/json',
        ...settings.headers,
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
      // A token is for this service, and not for where it may point to.
      redirect: 'error',
    });
  }

  /** The error for a response that is none that was expected. */
  problem(what: string, response: Response, text: string): Error {
    return problemError(what, response, text, this.settings.clock.wallTime());
  }
}

/** A query with what is defined; lists repeat their name. */
function queryText(query: object | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) parameters.append(name, String(one));
    }
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
