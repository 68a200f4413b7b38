import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { HttpStatusError, NetworkError, resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { constant, retry } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import { withServer } from './test-server.ts';

const quickly = (maxAttempts = 3) => retry({ maxAttempts, backoff: constant(0) });
const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

describe('resilientFetch against a server', () => {
  it('gives the response of a status that is no failure, as fetch does', () =>
    withServer(
      (_request, response) => response.writeHead(404, { 'x-one': '1' }).end('nothing here'),
      async (server) => {
        const response = await resilientFetch(pipeline(quickly()))(`${server.url}/a?b=c`);
        expect([response.status, response.ok, response.headers.get('x-one')]).toEqual([404, false, '1']);
        expect(response.url).toBe(`${server.url}/a?b=c`);
        expect(await response.text()).toBe('nothing here');
        expect(server.requests).toEqual(['GET /a?b=c']);
      },
    ));

  it('retries a failure status and throws it with what the server said', () =>
    withServer(
      (_request, response) => response.writeHead(503, { 'retry-after-ms': '1' }).end('down'),
      async (server) => {
        const error = await failing(resilientFetch(pipeline(quickly()))(`${server.url}/a?secret=1`));
        expect(error).toBeInstanceOf(HttpStatusError);
        expect(error).toMatchObject({ code: 'HTTP_503', method: 'GET', path: '/a', body: 'down', retryAfterMs: 1 });
        expect(server.requests).toHaveLength(3);
      },
    ));

  it('waits for the Retry-After of a 429 and then succeeds', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        if (++calls === 1) response.writeHead(429, { 'retry-after-ms': '30' }).end();
        else response.end('welcome');
      },
      async (server) => {
        const waits: number[] = [];
        const call = pipeline(retry({ maxAttempts: 2 }));
        call.on('retry', ({ delayMs, serverNamed }) => waits.push(serverNamed ? delayMs : -1));
        expect(await (await resilientFetch(call)(server.url)).text()).toBe('welcome');
        expect(waits).toEqual([30]);
      },
    );
  });

  it('retries the whole body when it is buffered', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-length': '10' });
        if (++calls < 3) response.write('half', () => response.destroy());
        else response.end('0123456789');
      },
      async (server) => {
        const response = await resilientFetch(pipeline(quickly()), { body: 'buffered' })(server.url);
        expect(await response.text()).toBe('0123456789');
        expect(calls).toBe(3);
      },
    );
  });

  it('breaks the body off with a network error and retries nothing once the response is handed out', () =>
    withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('half', () => response.destroy());
      },
      async (server) => {
        const call = pipeline(retry({ maxAttempts: 3, backoff: constant(60_000) }));
        const response = await resilientFetch(call)(server.url);
        const error = await failing(response.text());
        expect(error).toBeInstanceOf(NetworkError);
        expect(error).toMatchObject({ code: 'NETWORK_RESET', category: 'network' });
        expect(await call.close()).toBe(0);
        expect(server.requests).toHaveLength(1);
      },
    ));

  it('names what happened on the way: reset, refused, no HTTP, no such host', async () => {
    await withServer(
      (request) => request.socket.destroy(),
      async (server) => {
        expect(await failing(resilientFetch(pipeline())(server.url))).toMatchObject({ code: 'NETWORK_RESET' });
      },
    );
    const port = await freePort();
    expect(await failing(resilientFetch(pipeline())(`http://127.0.0.1:${port}`))).toMatchObject({
      code: 'NETWORK_REFUSED',
      systemCode: 'ECONNREFUSED',
    });
    const mute = createServer((socket) => socket.end('who are you?\r\n\r\n')).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port: mutePort } = mute.address() as AddressInfo;
    expect(await failing(resilientFetch(pipeline())(`http://127.0.0.1:${mutePort}`))).toMatchObject({
      code: 'NETWORK_PROTOCOL',
    });
    mute.close();
    expect(await failing(resilientFetch(pipeline())('http://nowhere.invalid'))).toMatchObject({ code: 'NETWORK_DNS' });
  });

  it('ends a slow body when the time of the call is up, and its connection with it', () =>
    withServer(
      (_request, response) => {
        response.writeHead(200);
        response.write('first');
      },
      async (server) => {
        const call = pipeline(quickly(), timeout({ timeoutMs: 60 }));
        const response = await resilientFetch(call)(server.url);
        expect(await failing(response.text())).toMatchObject({ code: 'TIMEOUT' });
        expect(await call.close()).toBe(0);
        expect(server.requests).toHaveLength(1);
        await server.allEnded();
      },
    ));

  it('ends at once when the caller aborts in the middle of the body', () =>
    withServer(
      (_request, response) => {
        response.writeHead(200);
        response.write('first');
      },
      async (server) => {
        const call = pipeline(quickly());
        const controller = new AbortController();
        const response = await resilientFetch(call)(server.url, { signal: controller.signal });
        const reader = response.body!.getReader();
        expect(new TextDecoder().decode((await reader.read()).value)).toBe('first');
        controller.abort(new Error('enough'));
        await expect(reader.read()).rejects.toThrow('enough');
        expect(await call.close()).toBe(0);
        await server.allEnded();
      },
    ));

  it('reads a body as a byte stream, as that of fetch is', () =>
    withServer(
      (_request, response) => response.end('abcdef'),
      async (server) => {
        const response = await resilientFetch(pipeline())(server.url);
        const reader = response.body!.getReader({ mode: 'byob' });
        let text = '';
        for (
          let result = await reader.read(new Uint8Array(2));
          !result.done;
          result = await reader.read(new Uint8Array(2))
        ) {
          text += new TextDecoder().decode(result.value);
        }
        expect(text).toBe('abcdef');
      },
    ));

  it('leaves no exchange, no permit and no call behind after failures, aborts, discarded and unread bodies', () => {
    let calls = 0;
    return withServer(
      (_request, response) => {
        const kind = calls++ % 6;
        response.setHeader('connection', 'close');
        if (kind === 0) response.end('fine');
        else if (kind === 1) response.writeHead(500).end('x'.repeat(100_000));
        else if (kind === 2) response.socket!.destroy();
        else if (kind === 3) response.writeHead(200).write('never ends');
        else if (kind === 4) response.writeHead(503).write('never ends either'.repeat(1_000));
        else response.writeHead(404).end('gone');
      },
      async (server) => {
        const permits = bulkhead({ maxConcurrent: 20, maxQueue: 1_000 });
        const call = pipeline(quickly(2), permits, timeout({ timeoutMs: 2_000 }));
        const resilient = resilientFetch(call, { maxErrorBodyBytes: 100 });
        const outcomes = Array.from({ length: 300 }, async (_, index) => {
          const controller = new AbortController();
          const response = await resilient(server.url, { signal: controller.signal });
          if (index % 3 === 0) await response.body?.cancel();
          else if (index % 3 === 1) controller.abort();
          else await response.body?.getReader().read();
          controller.abort();
        });
        await Promise.allSettled(outcomes);
        expect(await call.close()).toBe(0);
        expect(permits.running).toBe(0);
        await server.allEnded();
      },
    );
  });
});

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
