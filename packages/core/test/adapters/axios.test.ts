import axios, { AxiosError } from 'axios';
import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { resilientAdapter } from '../../src/axios/index.ts';
import { circuitBreaker } from '../../src/circuit-breaker/index.ts';
import type { FetchPipeline } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { constant, retry } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import { type Handler, withServer } from '../http/test-server.ts';

const quickly = (maxAttempts = 3) => retry({ maxAttempts, backoff: constant(0) });
const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

function clientOf(
  call: FetchPipeline,
  baseURL: string,
  config?: AxiosRequestConfig,
  adapter: 'http' | 'fetch' = 'http',
): AxiosInstance {
  return axios.create({ baseURL, adapter: resilientAdapter(call, axios.getAdapter(adapter)), ...config });
}

function failingFirst(...failures: readonly Handler[]): Handler {
  let calls = 0;
  return (request, response) => (failures[calls++] ?? ((_r, good) => good.end('{"a":1}')))(request, response);
}

const unavailable: Handler = (_request, response) => response.writeHead(503, { 'retry-after-ms': '1' }).end('busy');
const reset: Handler = (request) => void request.socket.destroy();

describe('resilientAdapter', () => {
  it('retries failure statuses and broken connections, and gives what axios makes of the response', () =>
    withServer(failingFirst(unavailable, reset), async (server) => {
      const { data, status } = await clientOf(pipeline(quickly()), server.url).get('/a');
      expect([data, status, server.requests.length]).toEqual([{ a: 1 }, 200, 3]);
    }));

  it('gives the error of axios when no attempt is left, and waits as long as the server asked', () =>
    withServer(unavailable, async (server) => {
      const call = pipeline(quickly(2));
      const waits: unknown[] = [];
      call.on('retry', ({ delayMs, serverNamed }) => waits.push([delayMs, serverNamed]));
      const error = await failing(clientOf(call, server.url).get('/a'));
      expect(axios.isAxiosError(error)).toBe(true);
      expect((error as AxiosError).response).toMatchObject({ status: 503, data: 'busy' });
      expect(waits).toEqual([[1, true]]);
    }));

  it('takes a status for a failure also where axios hands the response out, and hands the last one out', () =>
    withServer(unavailable, async (server) => {
      const client = clientOf(pipeline(quickly()), server.url, { validateStatus: () => true });
      expect((await client.get('/a')).status).toBe(503);
      expect(server.requests).toHaveLength(3);
    }));

  it('takes a status that axios throws for an answer: no retry, no failure of the breaker', () =>
    withServer(
      (_request, response) => response.writeHead(404).end('no'),
      async (server) => {
        const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 1 });
        const error = await failing(clientOf(pipeline(quickly(), breaker), server.url).get('/a'));
        expect((error as AxiosError).response?.status).toBe(404);
        expect([server.requests.length, breaker.state]).toEqual([1, 'closed']);
      },
    ));

  it('does not send a POST twice that may have had its effect, unless it has a key', () =>
    withServer(failingFirst(reset, reset), async (server) => {
      const client = clientOf(pipeline(quickly()), server.url);
      expect(await failing(client.post('/a', { x: 1 }))).toMatchObject({ code: 'ECONNRESET', retryable: false });
      const { status } = await client.post('/a', { x: 1 }, { headers: { 'Idempotency-Key': '1' } });
      expect([status, server.requests.length]).toEqual([200, 3]);
    }));

  it('leaves the cancelling of axios as it is', () =>
    withServer(
      () => undefined,
      async (server) => {
        const call = pipeline(quickly());
        const controller = new AbortController();
        const hanging = failing(clientOf(call, server.url).get('/a', { signal: controller.signal }));
        setTimeout(() => controller.abort(), 20);
        expect(axios.isCancel(await hanging)).toBe(true);
        expect(await call.close()).toBe(0);
        await server.allEnded();
      },
    ));

  it('ends a request whose time is up, and its connection', () =>
    withServer(
      () => undefined,
      async (server) => {
        const call = pipeline(timeout({ timeoutMs: 40 }));
        expect(await failing(clientOf(call, server.url).get('/a'))).toMatchObject({ code: 'TIMEOUT' });
        await server.allEnded();
      },
    ));

  it('lets go of the streams of attempts that failed, and hands the good one out', () =>
    withServer(
      failingFirst((_request, response) => void response.writeHead(503).write('never ends')),
      async (server) => {
        const client = clientOf(pipeline(quickly()), server.url, { responseType: 'stream' });
        const { data } = await client.get<Readable>('/a');
        expect((await data.toArray()).join('')).toBe('{"a":1}');
        await server.allEnded();
      },
    ));

  it.each(['http', 'fetch'] as const)(
    'is cancelled at once by a cancel token, which no policy counts (%s)',
    (adapter) =>
      withServer(
        (request, response) => void (request.url === '/hangs' ? undefined : response.writeHead(503).end()),
        async (server) => {
          const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 2 });
          const call = pipeline(retry({ maxAttempts: 2, backoff: constant(60_000), jitter: 'none' }), breaker);
          const client = clientOf(call, server.url, {}, adapter);
          for (const path of ['/hangs', '/busy']) {
            const { token, cancel } = axios.CancelToken.source();
            const cancelled = failing(client.get(path, { cancelToken: token }));
            setTimeout(() => cancel('enough'), 30);
            expect(await cancelled).toMatchObject({ message: 'enough', code: AxiosError.ERR_CANCELED });
          }
          expect([await call.close(), breaker.state, server.requests.length]).toEqual([0, 'closed', 2]);
          await server.allEnded();
        },
      ),
  );

  it.each(['http', 'fetch'] as const)(
    'lets go of the stream of a failure when the call ends in a wait (%s)',
    (adapter) =>
      withServer(
        (_request, response) => void response.writeHead(503).write('never ends'),
        async (server) => {
          const call = pipeline(retry({ backoff: constant(60_000), jitter: 'none' }));
          const client = clientOf(call, server.url, { responseType: 'stream' }, adapter);
          const waits = new Promise((resolve) => call.on('retry', resolve));
          const controller = new AbortController();
          const ended = failing(client.get('/a', { signal: controller.signal }));
          await waits;
          controller.abort();
          expect(axios.isCancel(await ended)).toBe(true);
          await server.allEnded();
        },
      ),
  );

  it('lets go of the web streams of attempts that failed', () =>
    withServer(
      failingFirst((_request, response) => void response.writeHead(503).write('never ends')),
      async (server) => {
        const client = clientOf(pipeline(quickly()), server.url, { responseType: 'stream' }, 'fetch');
        const { data } = await client.get<ReadableStream>('/a');
        expect(await new Response(data).text()).toBe('{"a":1}');
        await server.allEnded();
      },
    ));

  it.each(['http', 'fetch'] as const)(
    'fails at once with what can not be sent at all, or not be taken (%s)',
    (adapter) =>
      withServer(failingFirst(), async (server) => {
        const call = pipeline(retry({ backoff: constant(60_000), jitter: 'none' }));
        const client = clientOf(call, server.url, {}, adapter);
        for (const config of [
          { headers: { 'no name': 'x' } },
          { baseURL: '', url: 'http://' },
          { maxContentLength: 1 },
          { method: 'put', data: 'xx', maxBodyLength: 1 },
        ])
          expect(await failing(client.request(config))).toMatchObject({ retryable: false });
      }),
  );
});
