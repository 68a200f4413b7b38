import { describe, expect, it } from 'vitest';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { failover } from '../../src/failover/index.ts';
import { endpointFetch, HttpTimeoutError, resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { constant, retry } from '../../src/retry/index.ts';
import { executeStream, serverSentEvents } from '../../src/streaming/index.ts';
import { withServer } from './test-server.ts';

const quickly = (maxAttempts = 3) => retry({ maxAttempts, backoff: constant(0) });
const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

describe('the limits of resilientFetch against a server', () => {
  it('ends an attempt that finds no connection, and tries again also a POST, which was never sent', async () => {
    let tries = 0;
    const dispatcher = { dispatch: () => (tries++, true) };
    const call = pipeline(quickly());
    const http = resilientFetch(call, { connectTimeoutMs: 30 });
    const init = { method: 'POST', body: '{}', dispatcher } as RequestInit;
    const error = await failing(http('http://127.0.0.1:12345/items?secret=1', init));
    expect(error).toBeInstanceOf(HttpTimeoutError);
    expect(error).toMatchObject({
      code: 'HTTP_TIMEOUT_CONNECT',
      category: 'timeout',
      phase: 'connect',
      path: '/items',
    });
    expect(tries).toBe(3);
    expect(await call.close()).toBe(0);
  });

  it('does not take a slow answer for a missing connection', () =>
    withServer(
      (_request, response) => void setTimeout(() => response.end('late'), 150),
      async (server) => {
        const http = resilientFetch(pipeline(), { connectTimeoutMs: 100 });
        expect(await (await http(server.url)).text()).toBe('late');
        expect(await (await http(server.url)).text()).toBe('late');
      },
    ));

  it('ends an attempt whose headers do not come, and its connection; a POST is not sent again', () =>
    withServer(
      () => undefined,
      async (server) => {
        const call = pipeline(quickly());
        const http = resilientFetch(call, { headersTimeoutMs: 40 });
        expect(await failing(http(server.url))).toMatchObject({ code: 'HTTP_TIMEOUT_HEADERS' });
        expect(server.requests).toHaveLength(3);
        expect(await failing(http(server.url, { method: 'POST' }))).toMatchObject({ code: 'HTTP_TIMEOUT_HEADERS' });
        expect(server.requests).toHaveLength(4);
        expect(await call.close()).toBe(0);
        await server.allEnded();
      },
    ));

  it('leaves a body alone that takes longer than its headers may', () =>
    withServer(
      (_request, response) => {
        response.write('first ');
        setTimeout(() => response.end('last'), 120);
      },
      async (server) => {
        const http = resilientFetch(pipeline(), { headersTimeoutMs: 60, connectTimeoutMs: 60 });
        expect(await (await http(server.url)).text()).toBe('first last');
      },
    ));

  it.each(['stream', 'buffered'] as const)('ends a body that falls silent, in %s mode', (body) =>
    withServer(
      (_request, response) => void response.write('first'),
      async (server) => {
        const call = pipeline(quickly(2));
        const http = resilientFetch(call, { body, bodyTimeoutMs: 40 });
        const error = await failing(http(server.url).then((response) => response.text()));
        expect(error).toMatchObject({ code: 'HTTP_TIMEOUT_BODY', phase: 'body', timeoutMs: 40 });
        // What was read inside the attempt is tried again with it; what was handed out is not.
        expect(server.requests).toHaveLength(body === 'stream' ? 1 : 2);
        expect(await call.close()).toBe(0);
        await server.allEnded();
      },
    ),
  );

  it.each([
    ['its text', (response: Response) => response.text()],
    ['its JSON', (response: Response) => response.json()],
    ['its form', (response: Response) => response.formData()],
    ['a clone', (response: Response) => response.clone().text()],
    ['its stream', (response: Response) => response.body!.getReader().read()],
  ])('ends a body that nobody reads, gives its permit back, and says so to whoever comes for %s', (_what, read) =>
    withServer(
      (_request, response) => void response.write('first'),
      async (server) => {
        const permits = bulkhead({ maxConcurrent: 1 });
        const call = pipeline(permits);
        const response = await resilientFetch(call, { unreadTimeoutMs: 40 })(server.url);
        expect(permits.running).toBe(1);
        await server.allEnded();
        expect(await call.close()).toBe(0);
        expect(permits.running).toBe(0);
        expect(await failing(read(response))).toMatchObject({ code: 'HTTP_TIMEOUT_UNREAD' });
      },
    ),
  );

  it('has the permit back by the time that a body has been read: a loop of calls fits into one', () =>
    withServer(
      (_request, response) => response.end('text'),
      async (server) => {
        const http = resilientFetch(pipeline(bulkhead({ maxConcurrent: 1, maxQueue: 0 })));
        for (let index = 0; index < 20; index++) expect(await (await http(server.url)).text()).toBe('text');
      },
    ));

  it('releases the body of a hedge that comes second', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        const delayMs = calls++ === 0 ? 80 : 0;
        setTimeout(() => response.writeHead(200).write('x'.repeat(100_000)), delayMs);
      },
      async (server) => {
        const bothAtOnce = pipeline({
          kind: 'both-at-once',
          around: (_context, next) => Promise.any([next(), next()]),
        });
        const response = await resilientFetch(bothAtOnce)(server.url);
        await new Promise((resolve) => setTimeout(resolve, 150));
        await response.body!.cancel();
        await server.allEnded();
        expect(await bothAtOnce.close()).toBe(0);
      },
    );
  });

  it('keeps secrets out of the body of an error, and lets a redaction that fails keep all of it out', () =>
    withServer(
      (_request, response) => response.writeHead(500).end('{"password":"hunter2","why":"no"}'),
      async (server) => {
        const error = await failing(resilientFetch(pipeline())(server.url));
        expect(error).toMatchObject({ body: '{"password":"[redacted]","why":"no"}' });
        const call = pipeline();
        const hooks: unknown[] = [];
        call.on('hook-failed', ({ hook }) => hooks.push(hook));
        const redact = (): string => {
          throw new Error('broken');
        };
        expect(await failing(resilientFetch(call, { redact })(server.url))).toMatchObject({ body: undefined });
        expect(hooks).toEqual(['redact']);
      },
    ));

  it('tells a limiter what each response says, with the key of the call', () =>
    withServer(
      (_request, response) => response.writeHead(200, { ratelimit: 'limit=100, remaining=7, reset=30' }).end('ok'),
      async (server) => {
        const told: unknown[] = [];
        const limiter = {
          feedback: (response: { readonly status: number; readonly headers: Headers }, key?: string) =>
            void told.push([response.status, response.headers.get('ratelimit'), key]),
        };
        const http = resilientFetch(pipeline(), { limiter, callOptions: () => ({ key: 'tenant' }) });
        await (await http(server.url)).text();
        expect(told).toEqual([[200, 'limit=100, remaining=7, reset=30', 'tenant']]);
      },
    ));

  it('does not let a limiter that fails change the call', () =>
    withServer(
      (_request, response) => response.end('ok'),
      async (server) => {
        const call = pipeline();
        const hooks: unknown[] = [];
        call.on('hook-failed', ({ hook }) => hooks.push(hook));
        const limiter = {
          feedback: () => {
            throw new Error('broken');
          },
        };
        expect(await (await resilientFetch(call, { limiter })(server.url)).text()).toBe('ok');
        expect(hooks).toEqual(['limiter']);
      },
    ));
});

describe('endpointFetch against servers', () => {
  it('hands a request to the next endpoint, below its path, and opens the breaker of the one that fails', () =>
    withServer(
      (_request, response) => response.writeHead(503).end('down'),
      (first) =>
        withServer(
          (_request, response) => response.end('up'),
          async (second) => {
            const breakers: ReturnType<typeof circuitBreaker>[] = [];
            const replicas = failover([first.url, `${second.url}/v1/`], {
              policies: () => {
                breakers.push(circuitBreaker({ failureRatio: 1, minThroughput: 2 }));
                return [breakers.at(-1)!];
              },
            });
            const http = resilientFetch(pipeline(quickly()), { fetch: endpointFetch(replicas) });
            for (let index = 0; index < 3; index++) {
              expect(await (await http('http://any.host/items?a=b')).text()).toBe('up');
            }
            expect(first.requests).toEqual(['GET /items?a=b', 'GET /items?a=b']);
            expect(second.requests).toEqual(Array.from({ length: 3 }, () => 'GET /v1/items?a=b'));
            expect(breakers.map(({ state }) => state)).toEqual(['open', 'closed']);
            await replicas.close();
          },
        ),
    ));

  it('does not send a POST to a second endpoint that the first may have acted on', () =>
    withServer(
      (request) => void request.socket.destroy(),
      (first) =>
        withServer(
          (_request, response) => response.end('up'),
          async (second) => {
            const replicas = failover([first.url, second.url]);
            const http = resilientFetch(pipeline(quickly()), { fetch: endpointFetch(replicas) });
            const post = { method: 'POST', body: '{}' };
            expect(await failing(http('http://any.host/', post))).toMatchObject({ code: 'NETWORK_RESET' });
            expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
            const keyed = { ...post, headers: { 'idempotency-key': '1' } };
            expect(await (await http('http://any.host/', keyed)).text()).toBe('up');
          },
        ),
    ));
});

describe('executeStream against a server', () => {
  it('reads the events of a server, retries one that breaks off before its first, and keeps its permit meanwhile', () => {
    let calls = 0;
    return withServer(
      (request, response) => {
        if (++calls === 1) return void request.socket.destroy();
        response.setHeader('content-type', 'text/event-stream');
        response.write('data: one\n\nda');
        setTimeout(() => response.end('ta: two\n\n'), 20);
      },
      async (server) => {
        const permits = bulkhead({ maxConcurrent: 1 });
        const call = pipeline(quickly(), permits);
        const events = await executeStream(
          call,
          async ({ signal }) => serverSentEvents((await fetch(server.url, { signal })).body!),
          { firstChunkTimeoutMs: 5_000, idleTimeoutMs: 5_000 },
        );
        expect(permits.running).toBe(1);
        const data: string[] = [];
        for await (const event of events) data.push(event.data);
        expect(data).toEqual(['one', 'two']);
        expect(await call.close()).toBe(0);
        expect([calls, permits.running]).toEqual([2, 0]);
      },
    );
  });

  it('ends the connection of a stream that falls silent, and of one that is left', () =>
    withServer(
      (_request, response) => void response.writeHead(200).write('data: one\n\n'),
      async (server) => {
        const call = pipeline();
        const open = ({ signal }: { readonly signal: AbortSignal }) =>
          fetch(server.url, { signal }).then((response) => serverSentEvents(response.body!));
        const silent = await executeStream(call, open, { idleTimeoutMs: 40 });
        await silent.next();
        expect(await failing(silent.next())).toMatchObject({ code: 'STREAM_IDLE_TIMEOUT' });
        for await (const { data } of await executeStream(call, open)) {
          expect(data).toBe('one');
          break;
        }
        await server.allEnded();
        expect(await call.close()).toBe(0);
      },
    ));
});
