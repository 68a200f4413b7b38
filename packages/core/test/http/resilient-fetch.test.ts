import { describe, expect, it } from 'vitest';
import { pipeline } from '../../src/pipeline/index.ts';
import { constant, retry } from '../../src/retry/index.ts';
import { HttpStatusError, NetworkError, resilientFetch } from '../../src/http/index.ts';
import { withServer } from './test-server.ts';

const quickly = () => retry({ maxAttempts: 3, backoff: constant(0) });

describe('resilientFetch', () => {
  it('gives the response of a status that is no failure, as fetch does', () =>
    withServer(
      (_request, response) => response.writeHead(404, { 'x-one': '1' }).end('nothing here'),
      async (server) => {
        const call = pipeline(quickly());
        const response = await resilientFetch(call)(`${server.url}/a?b=c`);
        expect(response.status).toBe(404);
        expect(response.ok).toBe(false);
        expect(response.url).toBe(`${server.url}/a?b=c`);
        expect(response.headers.get('x-one')).toBe('1');
        expect(call.busy).toBeGreaterThan(0);
        expect(await response.text()).toBe('nothing here');
        expect(await call.close()).toBe(0);
        expect(server.requests).toEqual(['GET /a?b=c']);
      },
    ));

  it('retries a failure status and throws it with status, path without query, text and the wait that the server asks for', () =>
    withServer(
      (_request, response) => response.writeHead(503, { 'retry-after-ms': '1' }).end('down'),
      async (server) => {
        const error = await resilientFetch(pipeline(quickly()))(`${server.url}/a?secret=1`).catch(
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(HttpStatusError);
        expect(error).toMatchObject({
          code: 'HTTP_503',
          status: 503,
          method: 'GET',
          path: '/a',
          body: 'down',
          retryAfterMs: 1,
        });
        expect((error as Error).message).not.toContain('secret');
        expect(server.requests).toHaveLength(3);
      },
    ));

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
        const error = await response.text().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(NetworkError);
        expect(error).toMatchObject({ code: 'NETWORK_RESET', category: 'network' });
        expect(await call.close()).toBe(0);
        expect(server.requests).toHaveLength(1);
      },
    ));
});
