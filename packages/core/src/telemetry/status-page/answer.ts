/** What a status page answers to a request, whichever server has taken that. */
import { htmlPage } from './page.ts';
import { textView } from './text-view.ts';
import type { CommandResult } from './commands.ts';
import type { StatusView } from './view.ts';

/** A request as every server has it. */
export interface StatusRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  header(name: string): string | undefined;
  /** What was sent with it: text, or what a framework has made of it. May reject. */
  body(): Promise<unknown>;
}

/** Takes the parts of a stream, one after the other. */
export interface StreamTarget {
  /** False when it can't take more at present: the next parts are left out. */
  send(part: string): boolean;
  /** The stream is over. */
  end(): void;
}

/** What is answered: a text, or a stream that goes on until it is ended from either side. */
export interface StatusAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ((target: StreamTarget) => () => void);
}

/** What answers are made of. */
export interface StatusSource {
  readonly isClosed: boolean;
  view(): StatusView;
  command(authorization: string | undefined, body: unknown): Promise<CommandResult>;
  /** Tells that what is shown could not be had. */
  failed(hook: string, error: unknown): void;
  /** Begins a stream; undefined when as many look as may. */
  stream(): ((target: StreamTarget) => () => void) | undefined;
}

const COMMON: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  vary: 'Accept',
};

/** Answers a request; never rejects. */
export async function answer(request: StatusRequest, source: StatusSource): Promise<StatusAnswer> {
  try {
    return await answerOf(request, source);
  } catch (error) {
    source.failed('view', error);
    return text(500, 'the status could not be read\n');
  }
}

async function answerOf(request: StatusRequest, source: StatusSource): Promise<StatusAnswer> {
  if (source.isClosed) return text(503, 'the status page is closed\n', { 'retry-after': '60' });
  const { method } = request;
  if (method === 'POST') return commanded(request, source);
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'GET or POST\n', { allow: 'GET, HEAD, POST' });
  const format = formatOf(request);
  if (format === 'events') return streamed(method, source);
  const found = shown(format, source);
  return method === 'HEAD' ? { ...found, body: '' } : found;
}

function shown(format: string, source: StatusSource): StatusAnswer {
  const view = source.view();
  if (format === 'json') return json(200, view);
  if (format === 'text') return text(200, textView(view));
  const { html, policy } = htmlPage(view.title);
  const headers = { ...COMMON, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy };
  return { status: 200, headers, body: html };
}

function streamed(method: string, source: StatusSource): StatusAnswer {
  const body = method === 'HEAD' ? '' : source.stream();
  if (body === undefined) return text(503, 'as many are looking as may\n', { 'retry-after': '30' });
  // A proxy that buffers would make the page stand still.
  const headers = { ...COMMON, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };
  return { status: 200, headers, body };
}

async function commanded(request: StatusRequest, source: StatusSource): Promise<StatusAnswer> {
  let body: unknown;
  try {
    body = await request.body();
  } catch {
    // Too long, or broken off: whichever it was, nothing was commanded.
    return json(413, { message: 'the request is too long or could not be read' });
  }
  const { status, message } = await source.command(request.header('authorization'), body);
  return json(status, { message }, status === 401 ? { 'www-authenticate': 'Bearer' } : {});
}

/** `?format=…` decides, otherwise what is accepted: a browser gets the page, curl gets text. */
function formatOf(request: StatusRequest): string {
  const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?') + 1) : '';
  const asked = new URLSearchParams(query).get('format');
  if (asked !== null && ['html', 'text', 'json', 'events'].includes(asked)) return asked;
  const accepted = request.header('accept') ?? '*/*';
  if (accepted.includes('text/html')) return 'html';
  if (accepted.includes('text/event-stream')) return 'events';
  return accepted.includes('application/json') ? 'json' : 'text';
}

const text = (status: number, body: string, more: Readonly<Record<string, string>> = {}): StatusAnswer => ({
  status,
  headers: { ...COMMON, 'content-type': 'text/plain; charset=utf-8', ...more },
  body,
});

const json = (status: number, body: object, more: Readonly<Record<string, string>> = {}): StatusAnswer => ({
  status,
  headers: { ...COMMON, 'content-type': 'application/json; charset=utf-8', ...more },
  body: JSON.stringify(body),
});
