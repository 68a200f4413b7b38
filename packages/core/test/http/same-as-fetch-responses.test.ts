/**
 * What `fetch` shows beside the ordinary: all that can be done to a response and its body, redirects of every kind, and
 * aborts. Each case runs through fetch and through resilientFetch, and comes to the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe } from 'vitest';
import { type Case, compareWithFetch, refusal, shown as shownOf } from './side-by-side.ts';
import { TestServer } from './test-server.ts';

const TEXT = 'text of the answer: é 한국어';
const BOUNDARY = 'between-the-parts';
const parts = [
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="field"\r\n\r\nvalue`,
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/x-own\r\n\r\ncontent`,
  `--${BOUNDARY}--\r\n`,
].join('\r\n');

const status =
  (code: number, headers: Record<string, string | string[]> = {}, reason?: string) =>
  (_request: IncomingMessage, response: ServerResponse): void =>
    void (reason === undefined ? response.writeHead(code, headers) : response.writeHead(code, reason, headers)).end();

const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/text': (_request, response) => response.setHeader('content-type', 'text/plain; charset=utf-8').end(TEXT),
  '/svg': (_request, response) => response.setHeader('content-type', 'Image/SVG+XML; a=b').end('<svg/>'),
  '/untyped': (_request, response) => response.end(TEXT),
  '/multipart': (_request, response) =>
    response.setHeader('content-type', `multipart/form-data; boundary=${BOUNDARY}`).end(parts),
  '/large': (_request, response) => response.end(Buffer.alloc(300_000, 'x')),
  '/chunks': (_request, response) => {
    for (const chunk of ['one ', 'two ', 'three']) response.write(chunk);
    response.end();
  },
  '/trailers': (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' }).write('with');
    response.addTrailers({ 'x-sum': '4' });
    response.end();
  },
  '/hints': (_request, response) => response.writeEarlyHints({ link: '</a>; rel=preload' }, () => response.end('late')),
  '/zipped-twice': (_request, response) =>
    response.setHeader('content-encoding', 'gzip, br').end(brotliCompressSync(gzipSync(TEXT))),
  '/x-gzip': (_request, response) => response.setHeader('content-encoding', 'x-gzip').end(gzipSync(TEXT)),
  '/zipped-otherwise': (_request, response) => response.setHeader('content-encoding', 'own').end(TEXT),
  '/zipped-nothing': (_request, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('')),
  '/headers': (_request, response) => {
    response.setHeader('x-many', ['one', 'two']).setHeader('set-cookie', ['a=1', 'b=2; secure']);
    response.setHeader('x-latin', Buffer.from('é').toString('latin1')).setHeader('X-Empty', '').end();
  },
  '/reason': status(200, {}, 'Every Thing, Fine!'),
  '/no-reason': status(299, {}, ''),
  '/reset-content': status(205),
  '/not-modified': status(304, { etag: '"x"', 'content-length': '7' }),
  '/choices': status(300, { location: '/text' }),
  '/nowhere': status(302),
  '/elsewhere': status(302, { location: 'ftp://127.0.0.1/' }),
  '/to-nothing': status(302, { location: 'http://' }),
  '/to-secret': status(302, { location: 'http://name:word@127.0.0.1/' }),
  '/with-fragment': status(301, { location: '/text#there' }),
  '/relative': status(302, { location: '../text?a=b' }),
  '/moved': status(301, { location: '/echo' }),
  '/found': status(302, { location: '/echo' }),
  '/other': status(303, { location: '/echo' }),
  '/temporary': status(307, { location: '/echo' }),
  '/permanent': status(308, { location: '/echo' }),
  '/echo': (request, response) => {
    const { method, headers } = request;
    const { host: _, 'user-agent': __, 'content-type': type, ...sent } = headers;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const kind = type?.replace(/boundary=.*/, 'boundary');
      response.end(JSON.stringify({ method, kind, sent, body: Buffer.concat(chunks).toString() }));
    });
  },
  '/hangs': () => undefined,
  '/hangs-in-body': (_request, response) => void response.writeHead(200).write('first'),
};

const server = new TestServer((request, response) => routes[request.url!.split('?')[0]!]!(request, response));
beforeAll(() => server.start());
afterAll(() => server.stop());

const shown = (response: Response, read?: (whole: Response) => Promise<unknown>): Promise<unknown> =>
  shownOf(server, response, read);
const get =
  (path: string, init?: RequestInit, read?: (response: Response) => Promise<unknown>): Case =>
  (fetch, at) =>
    fetch(at(path), init).then((response) => shown(response, read));
/** What becomes of the body of a text. */
const reading = (read: (response: Response) => Promise<unknown>, path = '/text'): Case => get(path, undefined, read);
const sentTo = (path: string, init: object): Case => get(path, init);
const streamOf = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream();
const anyway = { method: 'POST', body: 'x' };
const bodies: Readonly<Record<string, Case>> = {
  bytes: reading(async (response) => [...(await response.bytes())].length),
  'a blob and a slice of it': reading(async (response) => {
    const blob = await response.blob();
    return [blob.type, await blob.slice(0, 4).text()];
  }, '/svg'),
  'a blob without a type': reading(async (response) => (await response.blob()).type, '/untyped'),
  'a form of several parts': reading(async (response) => {
    const form = await response.formData();
    const file = form.get('file') as File;
    return [form.get('field'), file.name, file.type, await file.text()];
  }, '/multipart'),
  'an empty body in every way': async (fetch, at) => {
    const ways = ['text', 'arrayBuffer', 'blob', 'json', 'formData'] as const;
    return Promise.all(ways.map((way) => refusal(async () => (await fetch(at('/reason')))[way]())));
  },
  'two branches of a stream': reading(async ({ body }) => {
    const branches = body!.tee();
    return Promise.all(branches.map((branch) => new Response(branch).text()));
  }, '/large'),
  'a stream into another one': reading(async ({ body }) => {
    const chunks: Uint8Array[] = [];
    await body!.pipeTo(new WritableStream({ write: (chunk: Uint8Array) => void chunks.push(chunk) }));
    return Buffer.concat(chunks).length;
  }, '/large'),
  'a stream through another one': reading(async ({ body }) => {
    let text = '';
    for await (const part of body!.pipeThrough(new TextDecoderStream())) text += part;
    return text;
  }, '/chunks'),
  'a stream of Node': reading(
    async ({ body }) => (await Readable.fromWeb(body as never).toArray()).join(''),
    '/chunks',
  ),
  'a stream by a buffer of the reader': reading(async ({ body }) => {
    const reader = body!.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(4));
    await reader.cancel();
    return new TextDecoder().decode(value);
  }),
  'a loop that is left': reading(async ({ body }) => {
    for await (const chunk of body!) return chunk.byteLength > 0;
    return undefined;
  }, '/large'),
  'a body that is cancelled and then read': reading(async (response) => {
    await response.body!.cancel();
    return [response.bodyUsed, await refusal(() => response.text())];
  }),
  'a stream that was read and let go of': reading(async (response) => {
    const reader = response.body!.getReader();
    await reader.read();
    reader.releaseLock();
    const { body, bodyUsed } = response;
    const { locked } = body!;
    const again = [await refusal(() => response.text()), await refusal(() => response.clone())];
    await body!.cancel();
    return [bodyUsed, locked, again];
  }),
  'one clone of another': reading(async (response) => {
    const first = response.clone();
    const second = first.clone();
    const texts = await Promise.all([response.text(), first.text(), second.text()]);
    return [texts, second.headers.get('content-type'), second.url === response.url];
  }),
  'a clone beside a body that is cancelled': reading(async (response) => {
    const copy = response.clone();
    void response.body!.cancel();
    return copy.text();
  }),
  'one body in two readings at once': reading((response) =>
    Promise.all([refusal(() => response.text()), refusal(() => response.json())]),
  ),
  'the same stream each time': reading(async (response) => [response.body === response.body, await response.text()]),
  'a body that is sent on': (fetch, at) =>
    fetch(at('/text')).then(({ body }) =>
      fetch(at('/echo'), { method: 'POST', body, duplex: 'half' } as RequestInit).then(shown),
    ),
};

const responses: Readonly<Record<string, Case>> = {
  'what it is': reading(async (response) => [
    response instanceof Response,
    Object.prototype.toString.call(response),
    response.constructor === Response,
    Object.keys(response),
    JSON.stringify(response),
    response.body instanceof ReadableStream,
    'body' in response,
    await response.text(),
  ]),
  'how it is shown': reading(async (response) => {
    const before = inspect(response).replaceAll(/127\.0\.0\.1:\d+|'date'.*|date: .*/g, '');
    return [before.startsWith('Response {'), /status: 200/.test(before), await response.text()];
  }),
  'headers that can not be changed': reading(async (response) => {
    const { headers } = response;
    const changes = [() => headers.set('a', 'b'), () => headers.append('a', 'b'), () => headers.delete('content-type')];
    return [await Promise.all(changes.map(refusal)), await response.text()];
  }),
  'headers of every kind': get('/headers'),
  'a reason': get('/reason'),
  'no reason': get('/no-reason'),
  trailers: get('/trailers'),
  'early hints': get('/hints'),
  'reset content': get('/reset-content'),
  'not modified, with a length': get('/not-modified'),
  'two codings': get('/zipped-twice'),
  'an old name of a coding': get('/x-gzip'),
  'a coding that nobody knows': get('/zipped-otherwise'),
  'a coding of nothing': get('/zipped-nothing'),
  'HEAD of what is coded': get('/x-gzip', { method: 'HEAD' }),
  'HEAD of what is large': get('/large', { method: 'HEAD' }),
};

const redirects: Readonly<Record<string, Case>> = {
  'that names no place': get('/nowhere'),
  'that is none': get('/choices'),
  'to a scheme that fetch does not speak': get('/elsewhere'),
  'to an address that is none': get('/to-nothing'),
  'to one that names a password': get('/to-secret'),
  'to a fragment': get('/with-fragment'),
  'from a fragment': get('/relative#here'),
  'to a path beside': get('/relative'),
  ...Object.fromEntries(
    ['/moved', '/found', '/other', '/temporary', '/permanent'].flatMap((path) => [
      [`of a POST by ${path}`, sentTo(path, anyway)],
      [`of a DELETE by ${path}`, sentTo(path, { method: 'DELETE' })],
      [`of a HEAD by ${path}`, sentTo(path, { method: 'HEAD' })],
      [
        `of a stream by ${path}`,
        ((fetch, at) =>
          sentTo(path, { method: 'POST', body: streamOf('x'), duplex: 'half' })(fetch, at)) satisfies Case,
      ],
    ]),
  ),
  'that is not followed, of a POST': sentTo('/temporary', { ...anyway, redirect: 'manual' }),
  'that is an error, of a Request': (fetch, at) => fetch(new Request(at('/found'), { redirect: 'error' })),
};

const soon = (reason?: unknown): AbortSignal => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  return controller.signal;
};

/** What is made of a response is read, and the call aborted while that waits for more. */
const abortedInBody =
  (reason: string, made: (response: Response) => readonly Response[]): Case =>
  async (fetch, at) => {
    const controller = new AbortController();
    const response = await fetch(at('/hangs-in-body'), { signal: controller.signal });
    const readings = made(response).map((each) => refusal(() => each.text()));
    setTimeout(() => controller.abort(reason), 20);
    return Promise.all(readings);
  };

const aborts: Readonly<Record<string, Case>> = {
  'by a time limit of the platform': (fetch, at) => fetch(at('/hangs'), { signal: AbortSignal.timeout(20) }),
  'by a time limit of the platform in the body': async (fetch, at) =>
    (await fetch(at('/hangs-in-body'), { signal: AbortSignal.timeout(60) })).text(),
  'by one of several signals': (fetch, at) =>
    fetch(at('/hangs'), { signal: AbortSignal.any([soon('one'), new AbortController().signal]) }),
  'by the options, of a Request that has a signal': (fetch, at) =>
    fetch(new Request(at('/hangs'), { signal: new AbortController().signal }), { signal: soon('options') }),
  'by a Request whose signal the options take away': async (fetch, at) => {
    const response = fetch(new Request(at('/text'), { signal: AbortSignal.abort('gone') }), { signal: null });
    return refusal(async () => (await response).text());
  },
  'for no reason': (fetch, at) => fetch(at('/hangs'), { signal: soon(null) }),
  'in a clone': abortedInBody('cloned', (response) => [response.clone(), response]),
  'in a branch': abortedInBody('branched', ({ body }) => body!.tee().map((branch) => new Response(branch))),
  'of a redirect': (fetch, at) => fetch(at('/temporary'), { signal: AbortSignal.abort('before') }),
  'while the body is sent': (fetch, at) => {
    const body = new ReadableStream({ pull: () => new Promise(() => undefined) });
    return fetch(at('/echo'), { method: 'POST', body, duplex: 'half', signal: soon('sending') } as RequestInit);
  },
};

describe('resilientFetch does as fetch does with', () => {
  for (const [group, cases] of Object.entries({ bodies, responses, redirects, aborts }))
    describe(group, () => compareWithFetch(cases, server));
});
