/**
 * What resilientFetch doesn't change, it passes on: each case runs through the platform's fetch and through resilientFetch
 * against the same server, and what comes of it must be the same.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { type Case, compareWithFetch, described, lenient, outcomeOf, shown as shownOf } from './side-by-side.ts';
import { TestServer } from './test-server.ts';

const TEXT = 'text of the answer: é 한국어';

const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/text': (_request, response) => response.setHeader('content-type', 'text/plain; charset=utf-8').end(TEXT),
  '/json': (_request, response) => response.setHeader('content-type', 'application/json').end('{"a":[1,"é"]}'),
  '/bom': (_request, response) => response.end('\uFEFF{"a":1}'),
  '/empty': (_request, response) => response.end(),
  '/no-content': (_request, response) => response.writeHead(204).end(),
  '/not-modified': (_request, response) => response.writeHead(304, { etag: '"x"' }).end(),
  '/missing': (_request, response) => response.writeHead(404, 'Not Here').end('nothing'),
  '/redirect': (_request, response) => response.writeHead(302, { location: '/text' }).end(),
  '/see-other': (_request, response) => response.writeHead(303, { location: '/echo' }).end(),
  '/keep-method': (_request, response) => response.writeHead(307, { location: '/echo' }).end(),
  '/loop': (_request, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/duplicates': (_request, response) => {
    response.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('x-many', ['one', 'two']).end('ok');
  },
  '/gzip': (_request, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(TEXT)),
  '/deflate': (_request, response) => response.setHeader('content-encoding', 'deflate').end(deflateSync(TEXT)),
  '/brotli': (_request, response) => response.setHeader('content-encoding', 'br').end(brotliCompressSync(TEXT)),
  '/bad-gzip': (_request, response) => response.setHeader('content-encoding', 'gzip').end('this is no gzip'),
  '/latin1': (_request, response) =>
    response.setHeader('content-type', 'text/plain; charset=iso-8859-1').end(Buffer.from('é', 'latin1')),
  '/chunks': (_request, response) => {
    for (const chunk of ['one ', 'two ', 'three']) response.write(chunk);
    response.end();
  },
  '/form': (_request, response) =>
    response.setHeader('content-type', 'application/x-www-form-urlencoded').end('a=1&b=2'),
  '/echo': (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { 'content-type': type = '', 'x-own': own = '' } = request.headers;
      const kind = type.replace(/boundary=.*/, 'boundary');
      const body = Buffer.concat(chunks)
        .toString('utf8')
        .replaceAll(/-{4,}[\w-]+/g, 'boundary');
      response.end(JSON.stringify({ method: request.method, kind, own, body }));
    });
  },
  '/hangs': () => undefined,
  '/hangs-in-body': (_request, response) => void response.writeHead(200).write('first'),
  '/half': (_request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('half', () => response.destroy());
  },
};

const server = new TestServer((request, response) => routes[request.url!.split('?')[0]!]!(request, response));
beforeAll(() => server.start());
afterAll(() => server.stop());

const shown = (response: Response, read?: (whole: Response) => Promise<unknown>): Promise<unknown> =>
  shownOf(server, response, read);

async function readStream(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true });
  return text;
}

const streamOf = (text: string): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });

function form(): FormData {
  const data = new FormData();
  data.append('field', 'value');
  data.append('file', new Blob(['content'], { type: 'text/plain' }), 'name.txt');
  return data;
}

const post =
  (body: RequestInit['body'], more?: RequestInit): Case =>
  (fetch, at) =>
    fetch(at('/echo'), { method: 'POST', body, ...more } as RequestInit).then(shown);
const get =
  (path: string, init?: RequestInit, read?: (response: Response) => Promise<unknown>): Case =>
  (fetch, at) =>
    fetch(at(path), init).then((response) => shown(response, read));

const cases: Readonly<Record<string, Case>> = {
  // Bodies that come
  'a text': get('/text'),
  'a text with a query, from a URL object': (fetch, at) => fetch(new URL(at('/text?a=b#c'))).then(shown),
  JSON: get('/json', undefined, (response) => response.json()),
  'JSON behind a byte order mark': get('/bom', undefined, (response) => response.json()),
  'JSON that is none': get('/text', undefined, (response) => response.json()),
  'an array buffer': get('/text', undefined, async (response) => new Uint8Array(await response.arrayBuffer()).join()),
  'a blob with its type': get('/text', undefined, async (response) => {
    const blob = await response.blob();
    return [blob.type, blob.size, await blob.text()];
  }),
  'a form': get('/form', undefined, async (response) => [...(await response.formData())]),
  'a form that is none': get('/text', undefined, (response) => response.formData()),
  'a stream': get('/chunks', undefined, readStream),
  'a stream that is left after its first chunk': get('/chunks', undefined, async (response) => {
    const reader = response.body!.getReader();
    const { done } = await reader.read();
    await reader.cancel();
    return done;
  }),
  'a clone beside the original': get('/text', undefined, async (response) => {
    const copy = response.clone();
    return [await copy.text(), await response.text(), copy.url === response.url, copy.status];
  }),
  'a body that is read twice': get('/text', undefined, async (response) => [
    await response.text(),
    await response.text(),
  ]),
  'a clone after the body was read': get(
    '/text',
    undefined,
    async (response) => (await response.text(), response.clone()),
  ),
  'a body that is read as text while its stream is locked': get('/text', undefined, async (response) => {
    const reader = response.body!.getReader();
    const refused = described(await response.text().catch((error: unknown) => error));
    await reader.cancel();
    return refused;
  }),
  'a response put into another one': get('/text', undefined, (response) =>
    new Response(response.body, response).text(),
  ),
  'an empty body': get('/empty'),
  'no content': get('/no-content'),
  'not modified': get('/not-modified'),
  'a status that is an answer': get('/missing'),
  'duplicate headers and cookies': get('/duplicates'),
  // Encodings
  gzip: get('/gzip'),
  deflate: get('/deflate'),
  brotli: get('/brotli'),
  'text in another charset': get('/latin1'),
  // Methods and bodies that go
  HEAD: get('/text', { method: 'HEAD' }),
  'a method in lower case': get('/echo', { method: 'put' }),
  'own headers': get('/echo', { headers: { 'x-own': 'mine' } }),
  'a string to be sent': post('string'),
  'bytes to be sent': post(new Uint8Array([104, 105])),
  'a view into a buffer to be sent': post(new DataView(new TextEncoder().encode('view').buffer)),
  'a blob to be sent': post(new Blob(['blob'], { type: 'text/x-own' })),
  'a search to be sent': post(new URLSearchParams({ a: '1', b: 'é' })),
  'a form to be sent': post(form()),
  'a stream to be sent': (fetch, at) => post(streamOf('streamed'), { duplex: 'half' } as RequestInit)(fetch, at),
  'a Request': (fetch, at) =>
    fetch(new Request(at('/echo'), { method: 'POST', body: 'of a request', headers: { 'x-own': 'r' } })).then(shown),
  'a Request with other headers beside': (fetch, at) =>
    fetch(new Request(at('/echo'), { headers: { 'x-own': 'first' } }), { headers: { 'x-own': 'second' } }).then(shown),
  // Redirects
  'a redirect that is followed': get('/redirect'),
  'a redirect that is not followed': get('/redirect', { redirect: 'manual' }),
  'a redirect that is an error': get('/redirect', { redirect: 'error' }),
  'redirects without end': get('/loop'),
  'a redirect that makes a POST a GET': (fetch, at) =>
    fetch(at('/see-other'), { method: 'POST', body: 'x' }).then(shown),
  'a redirect that keeps a POST': (fetch, at) => fetch(at('/keep-method'), { method: 'POST', body: 'x' }).then(shown),
  // Aborts
  'an abort before': get('/text', { signal: AbortSignal.abort() }),
  'an abort before, with a reason of its own': get('/text', { signal: AbortSignal.abort('my reason') }),
  'an abort before the headers': (fetch, at) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    return fetch(at('/hangs'), { signal: controller.signal });
  },
  'an abort by a Request before the headers': (fetch, at) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new RangeError('mine')), 20);
    return fetch(new Request(at('/hangs'), { signal: controller.signal }));
  },
  'an abort between the headers and the body': async (fetch, at) => {
    const controller = new AbortController();
    const response = await fetch(at('/hangs-in-body'), { signal: controller.signal });
    controller.abort();
    return response.text();
  },
  'an abort during the body': async (fetch, at) => {
    const controller = new AbortController();
    const response = await fetch(at('/hangs-in-body'), { signal: controller.signal });
    setTimeout(() => controller.abort('in the middle'), 20);
    return response.text();
  },
  'an abort between two chunks': async (fetch, at) => {
    const controller = new AbortController();
    const reader = (await fetch(at('/hangs-in-body'), { signal: controller.signal })).body!.getReader();
    await reader.read();
    controller.abort();
    return reader.read();
  },
  'an abort after the body': async (fetch, at) => {
    const controller = new AbortController();
    const response = await fetch(at('/text'), { signal: controller.signal });
    const text = await response.text();
    controller.abort();
    return [text, response.bodyUsed];
  },
  // What can't be sent
  'an address that is none': (fetch) => fetch('http://'),
  'a scheme that fetch does not speak': (fetch) => fetch('gopher://host.test/'),
  'a port that is forbidden': (fetch) => fetch('http://127.0.0.1:9/'),
  'a header name that is none': get('/text', { headers: { 'no name': 'x' } }),
  'a GET with a body': get('/echo', { method: 'GET', body: 'x' }),
  'a method that is forbidden': get('/echo', { method: 'TRACE' }),
};

describe('resilientFetch does as fetch does', () => {
  it('in at least forty cases', () => expect(Object.keys(cases).length).toBeGreaterThanOrEqual(40));

  compareWithFetch(cases, server);

  it('but for what breaks on the way, which it names, with the error of fetch as the cause', async () => {
    for (const path of ['/half', '/bad-gzip']) {
      const plain = (await outcomeOf(get(path), globalThis.fetch, server)) as {
        error: { name: string; message: string };
      };
      const call = pipeline(...lenient());
      const error: unknown = await resilientFetch(call)(server.url + path)
        .then((response) => response.text())
        .catch((thrown: unknown) => thrown);
      expect(described((error as Error).cause)).toEqual(plain.error);
      expect(await call.close({ timeoutMs: 1_000 })).toBe(0);
    }
  });
});
