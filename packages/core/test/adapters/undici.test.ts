import type { ServerResponse } from 'node:http';
import { Agent, FormData, type Dispatcher, request } from 'undici';
import { describe, expect, it } from 'vitest';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { constant, retry } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import { resilientInterceptor, type ResilientInterceptorOptions } from '../../src/undici/index.ts';
import type { FetchPipeline } from '../../src/http/index.ts';
import { type Handler, withServer, type TestServer } from '../http/test-server.ts';

const quickly = (maxAttempts = 3) => retry({ maxAttempts, backoff: constant(0) });
const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

async function withAgent(
  handler: Handler,
  call: FetchPipeline & { close(): Promise<number> },
  body: (agent: Dispatcher, server: TestServer) => Promise<void>,
  options?: ResilientInterceptorOptions,
): Promise<void> {
  await withServer(handler, async (server) => {
    const agent = new Agent();
    try {
      await body(agent.compose(resilientInterceptor(call, options)), server);
      expect(await call.close()).toBe(0);
      await server.allEnded();
    } finally {
      await agent.destroy();
    }
  });
}

/** Answers the first requests as told, and all others well. */
function failingFirst(...failures: readonly Handler[]): Handler {
  let calls = 0;
  return (incoming, response) => (failures[calls++] ?? ((_r, good) => good.end('welcome')))(incoming, response);
}

const unavailable: Handler = (_request, response) =>
  response.writeHead(503, { 'retry-after-ms': '1' }).end('{"token":"abc","why":"busy"}');
const reset: Handler = (incoming) => void incoming.socket.destroy();

describe('resilientInterceptor', () => {
  it('retries failure statuses and broken connections until the handler sees a good response', () =>
    withAgent(failingFirst(unavailable, reset), pipeline(quickly()), async (dispatcher, server) => {
      const { statusCode, body } = await request(`${server.url}/a?b=c`, { dispatcher });
      expect([statusCode, await body.text(), server.requests.length]).toEqual([200, 'welcome', 3]);
    }));

  it('rejects with what a status means when no attempt is left: no query, no secret', () =>
    withAgent(unavailable, pipeline(quickly(2)), async (dispatcher, server) => {
      const error = await failing(request(`${server.url}/a?secret=1`, { dispatcher }));
      expect(error).toMatchObject({ code: 'HTTP_503', path: '/a', method: 'GET', retryAfterMs: 1 });
      expect(error).toMatchObject({ body: '{"token":"[redacted]","why":"busy"}' });
    }));

  it('cuts the body of a failure short that never ends', () =>
    withAgent(
      (_request, response) => void response.writeHead(500).write('x'.repeat(100_000)),
      pipeline(),
      async (dispatcher, server) => {
        const error = await failing(request(server.url, { dispatcher }));
        expect(error).toMatchObject({ code: 'HTTP_500', body: 'xxxxxxxxxx' });
      },
      { maxErrorBodyBytes: 10 },
    ));

  it('does not send a POST twice that may have had its effect, unless it has a key', () =>
    withAgent(failingFirst(reset, reset), pipeline(quickly()), async (dispatcher, server) => {
      const post = { dispatcher, method: 'POST', body: '{}' } as const;
      expect(await failing(request(server.url, post))).toMatchObject({ code: 'NETWORK_RESET', retryable: false });
      expect(server.requests).toHaveLength(1);
      const { statusCode } = await request(server.url, { ...post, headers: { 'idempotency-key': '1' } });
      expect([statusCode, server.requests.length]).toEqual([200, 3]);
    }));

  it('holds its permit until the body has been read', () => {
    const permits = bulkhead({ maxConcurrent: 1 });
    return withAgent(
      (_request, response) => {
        response.write('first ');
        setTimeout(() => response.end('last'), 30);
      },
      pipeline(permits),
      async (dispatcher, server) => {
        const { body } = await request(server.url, { dispatcher });
        expect(permits.running).toBe(1);
        expect(await body.text()).toBe('first last');
        expect(permits.running).toBe(0);
      },
    );
  });

  it('breaks a body off whose time is up, and retries nothing then', () =>
    withAgent(
      (_request, response) => void response.write('first'),
      pipeline(retry({ maxAttempts: 3, backoff: constant(60_000) }), timeout({ timeoutMs: 50 })),
      async (dispatcher, server) => {
        const { body } = await request(server.url, { dispatcher });
        expect(await failing(body.text())).toMatchObject({ code: 'TIMEOUT' });
        expect(server.requests).toHaveLength(1);
      },
    ));

  it('ends with the abort of its caller, before the headers and in the body', () =>
    withAgent(
      failingFirst(
        () => undefined,
        (_request, response) => void response.write('first'),
      ),
      pipeline(quickly()),
      async (dispatcher, server) => {
        const before = new AbortController();
        const hanging = failing(request(server.url, { dispatcher, signal: before.signal }));
        setTimeout(() => before.abort(new Error('enough')), 20);
        expect(await hanging).toMatchObject({ message: 'enough' });
        const within = new AbortController();
        const { body } = await request(server.url, { dispatcher, signal: within.signal });
        setTimeout(() => within.abort(new Error('later')), 20);
        expect(await failing(body.text())).toMatchObject({ message: 'later' });
      },
    ));

  it('rejects at once where a policy refuses, and sends nothing', () => {
    const breaker = circuitBreaker();
    const release = breaker.isolate();
    return withAgent(unavailable, pipeline(breaker), async (dispatcher, server) => {
      expect(await failing(request(server.url, { dispatcher }))).toMatchObject({ code: 'CIRCUIT_ISOLATED' });
      expect(server.requests).toEqual([]);
      release();
    });
  });

  it('sends bodies again that can be sent again', () => {
    const form = new FormData();
    form.append('a', 'b');
    const bodies = [new Uint8Array([97]).buffer, new Blob(['a']), form, ['a', 'b']];
    const answers = bodies.flatMap(() => [unavailable, (_request: unknown, good: ServerResponse) => good.end('ok')]);
    return withAgent(failingFirst(...answers), pipeline(quickly()), async (dispatcher, server) => {
      for (const body of bodies) {
        const given = { dispatcher, method: 'PUT', body } as unknown as Parameters<typeof request>[1];
        expect((await request(server.url, given)).statusCode).toBe(200);
      }
      expect(server.requests).toHaveLength(2 * bodies.length);
    });
  });

  it('fails at once with what can not be sent at all, and with the error of undici', () =>
    withAgent(
      failingFirst(),
      pipeline(retry({ backoff: constant(60_000), jitter: 'none' })),
      async (dispatcher, server) => {
        const wrong = { dispatcher, headers: { 'no name': 'x' } };
        expect(await failing(request(server.url, wrong))).toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
        expect(server.requests).toEqual([]);
      },
    ));
});
