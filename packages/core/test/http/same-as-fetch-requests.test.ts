/**
 * What `fetch` takes beside the ordinary: every option of a request, requests of every kind, addresses of other schemes.
 * Each case runs through fetch and through resilientFetch, and comes to the same.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import {
  type Case,
  compareWithFetch,
  described,
  lenient,
  outcomeOf,
  refusal,
  shown as shownOf,
} from './side-by-side.ts';
import { TestServer } from './test-server.ts';

const TEXT = 'text of the answer: é 한국어';

const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/text': (_request, response) => response.setHeader('content-type', 'text/plain; charset=utf-8').end(TEXT),
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
const echoed = (init: object): Case => get('/echo', init);
const sentTo = (path: string, init: object): Case => get(path, init);
const streamOf = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream();
const anyway = { method: 'POST', body: 'x' };
const digest = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const options: Readonly<Record<string, Case>> = {
  'headers as a list of pairs': echoed({
    headers: [
      ['x-own', 'a'],
      ['x-own', 'b'],
    ],
  }),
  'headers as Headers': echoed({ headers: new Headers({ 'x-own': 'a' }) }),
  'a header value with spaces around': echoed({ headers: { 'x-own': '  a  ' } }),
  'a header value that is none': echoed({ headers: { 'x-own': 'a\nb' } }),
  'a header that is forbidden to pages': echoed({ headers: { cookie: 'a=1', origin: 'http://a.test' } }),
  'pairs of headers that are none': echoed({ headers: [['x-own']] }),
  keepalive: echoed({ ...anyway, keepalive: true }),
  'credentials that are included': echoed({ credentials: 'include' }),
  'credentials that are left out': echoed({ credentials: 'omit', headers: { authorization: 'a' } }),
  'credentials of another kind': echoed({ credentials: 'mine' }),
  'a referrer': echoed({ referrer: 'http://a.test/page', referrerPolicy: 'unsafe-url' }),
  'a referrer that is none': echoed({ referrer: '::none' }),
  'a referrer policy that is none': echoed({ referrerPolicy: 'mine' }),
  'a length that the body has not': echoed({ ...anyway, headers: { 'content-length': '9' } }),
  'an expectation': echoed({ ...anyway, headers: { expect: '100-continue' } }),
  'a digest that fits': (fetch, at) => get('/text', { integrity: digest(TEXT) })(fetch, at),
  'a priority': echoed({ priority: 'high' }),
  'a priority that is none': echoed({ priority: 'mine' }),
  'a window': echoed({ window: 'mine' }),
  'a redirect mode that is none': echoed({ redirect: 'mine' }),
  'an option that nobody knows': echoed({ mine: true }),
  'no options but null': (fetch, at) => fetch(at('/text'), null as never).then(shown),
  'a method that is not known': echoed({ method: 'MINE' }),
  'a method that is not made upper case': echoed({ method: 'patch' }),
  'a method that is no token': echoed({ method: 'NOT ONE' }),
  'a method that fetch does not speak': echoed({ method: 'CONNECT' }),
  'a HEAD with a body': echoed({ method: 'HEAD', body: 'x' }),
  'a stream without duplex': (fetch, at) => sentTo('/echo', { method: 'POST', body: streamOf('x') })(fetch, at),
  'a duplex that is none': echoed({ ...anyway, duplex: 'full' }),
  'an iterable to be sent': (fetch, at) => {
    const body = (async function* () {
      yield new TextEncoder().encode('of parts');
    })();
    return sentTo('/echo', { method: 'POST', body, duplex: 'half' })(fetch, at);
  },
  'an empty string to be sent': echoed({ method: 'POST', body: '' }),
  'something else to be sent': echoed({ method: 'POST', body: 42 }),
  ...Object.fromEntries(
    ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached', 'mine'].map((cache) => [
      `the cache mode ${cache}`,
      echoed({ cache }),
    ]),
  ),
  ...Object.fromEntries(
    ['cors', 'same-origin', 'no-cors', 'navigate', 'mine'].map((mode) => [`the mode ${mode}`, echoed({ mode })]),
  ),
};

const requests: Readonly<Record<string, Case>> = {
  'a Request with a stream': (fetch, at) =>
    fetch(new Request(at('/echo'), { method: 'POST', body: streamOf('streamed'), duplex: 'half' } as RequestInit)).then(
      shown,
    ),
  'a Request that was read': async (fetch, at) => {
    const request = new Request(at('/echo'), anyway);
    await request.text();
    return fetch(request).then(shown);
  },
  'a Request that is used up by being sent': async (fetch, at) => {
    const request = new Request(at('/echo'), anyway);
    await fetch(request).then(shown);
    return [request.bodyUsed, await refusal(() => fetch(request))];
  },
  'a Request without a body, sent twice': async (fetch, at) => {
    const request = new Request(at('/echo'));
    return [await fetch(request).then(shown), await fetch(request).then(shown)];
  },
  'a Request whose body and method are replaced': (fetch, at) =>
    fetch(new Request(at('/echo'), anyway), { method: 'PUT', body: 'y' }).then(shown),
  'a Request and null for its body': (fetch, at) => fetch(new Request(at('/echo'), anyway), { body: null }).then(shown),
  'a Request with a form': (fetch, at) => {
    const body = new FormData();
    body.append('a', 'b');
    return fetch(new Request(at('/text'), { method: 'POST', body })).then(shown);
  },
  'a clone of a Request': async (fetch, at) => {
    const request = new Request(at('/echo'), anyway);
    return [await fetch(request.clone()).then(shown), await fetch(request).then(shown)];
  },
  'an object that becomes an address': (fetch, at) => fetch({ toString: () => at('/text') } as never).then(shown),
  'nothing at all': (fetch) => (fetch as () => Promise<unknown>)(),
};

const addresses: Readonly<Record<string, Case>> = {
  'a fragment': (fetch, at) => fetch(at('/text#part')).then(shown),
  'spaces around': (fetch, at) => fetch(`  ${at('/text')}\n`).then(shown),
  'a host in capitals, dots and escapes in the path': (fetch, at) =>
    fetch(at('/a/../text').replace('http', 'HTTP')).then(shown, described),
  'a name and a password': (fetch, at) => fetch(at('/text').replace('//', '//name:word@')),
  'no scheme': (fetch) => fetch('/text'),
  data: (fetch) => fetch('data:text/x-own;charset=utf-8,some%20text').then((response) => shown(response)),
  'data in base64': (fetch) =>
    fetch('data:application/json;base64,eyJhIjoxfQ==').then((response) => shown(response, (whole) => whole.json())),
  'data that is none': (fetch) => fetch('data:no-comma'),
  'a blob': async (fetch) => {
    const address = URL.createObjectURL(new Blob(['blob'], { type: 'text/x-own' }));
    const response = await fetch(address);
    return [
      response.status,
      response.type,
      response.headers.get('content-type'),
      response.url === address,
      await response.text(),
    ];
  },
  'a blob that has gone': (fetch) => fetch('blob:nodedata:gone').catch(described),
  'about:blank': (fetch) => fetch('about:blank').then(shown, described),
  'a file': (fetch) => fetch('file:///etc/hostname').then(shown, described),
  'a port that no page may use': (fetch) => fetch('http://127.0.0.1:6000/'),
  'a port that is none': (fetch) => fetch('http://127.0.0.1:99999/'),
};

describe('resilientFetch does as fetch does with', () => {
  for (const [group, cases] of Object.entries({ options, requests, addresses }))
    describe(group, () => compareWithFetch(cases, server));
});

it('a digest that does not fit is told by its name, with the error of fetch as the cause', async () => {
  const run: Case = (fetch, at) => fetch(at('/text'), { integrity: digest('other') });
  const plain = (await outcomeOf(run, globalThis.fetch, server)) as { error: object };
  const error: unknown = await resilientFetch(pipeline(...lenient()))(server.url + '/text', {
    integrity: digest('other'),
  }).catch((thrown: unknown) => thrown);
  expect(described((error as Error).cause)).toEqual(plain.error);
});
