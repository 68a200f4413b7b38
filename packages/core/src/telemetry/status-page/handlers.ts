/** Answers of a status page, as servers take them. */
import { answer, type StatusAnswer, type StatusRequest, type StatusSource, type StreamTarget } from './answer.ts';
import type { NodeRequest, NodeResponse } from './server-ports.ts';

const MOST_BODY_BYTES = 10_000;

/** Answers a request of node:http. */
export async function answerNode(
  source: StatusSource,
  request: NodeRequest,
  response: NodeResponse,
  parsed: unknown,
): Promise<void> {
  // Whoever goes away meanwhile is no fault of the program.
  response.on('error', () => undefined);
  const made = await answer(
    {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      header: (name) => single(request.headers[name]),
      body: () => (parsed === undefined ? bodyOf(request) : Promise.resolve(parsed)),
    },
    source,
  );
  writeNode(made, response);
}

function writeNode({ status, headers, body }: StatusAnswer, response: NodeResponse): void {
  response.writeHead(status, { ...headers });
  if (typeof body === 'string') {
    response.end(body);
    return;
  }
  const stop = body({
    send: (part) => {
      if (response.writableNeedDrain === true) return false;
      response.write(part);
      return true;
    },
    end: () => void response.end(),
  });
  response.on('close', stop);
  if (response.destroyed === true) stop();
}

function bodyOf(request: NodeRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new TextDecoder();
    let [text, bytes] = ['', 0];
    request.on('data', (chunk) => {
      bytes += chunk.byteLength;
      if (bytes > MOST_BODY_BYTES) reject(new RangeError('the request is too long'));
      else text += decoder.decode(chunk, { stream: true });
    });
    request.on('end', () => resolve(text));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the request was broken off')));
  });
}

/** Answers a request of the web platform. */
export async function answerFetch(source: StatusSource, request: Request): Promise<Response> {
  const asked: StatusRequest = {
    method: request.method,
    url: request.url,
    header: (name) => request.headers.get(name) ?? undefined,
    body: () => bodyOfFetch(request),
  };
  const { status, headers, body } = await answer(asked, source);
  return new Response(typeof body === 'string' ? body : streamOf(body), { status, headers });
}

async function bodyOfFetch(request: Request): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  const reader = request.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    bytes += next.value.byteLength;
    if (bytes > MOST_BODY_BYTES) {
      await reader?.cancel();
      throw new RangeError('the request is too long');
    }
    text += decoder.decode(next.value, { stream: true });
  }
  return text;
}

function streamOf(begin: (target: StreamTarget) => () => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop: () => void = () => undefined;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        stop = begin({
          send: (part) => {
            if ((controller.desiredSize ?? 0) <= 0) return false;
            controller.enqueue(encoder.encode(part));
            return true;
          },
          end: () => controller.close(),
        });
      },
      cancel: () => stop(),
    },
    // Some parts may wait for a reader who is slow; beyond that they are left out.
    { highWaterMark: 8 },
  );
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;
