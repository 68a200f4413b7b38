/** Where the platform's own rules bite: what servers say that a Response can't be constructed with, and what is no call. */
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failover } from '../../src/failover/index.ts';
import { endpointFetch, resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { withServer } from './test-server.ts';

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

describe('an endpoint is asked itself, whatever the path says', () => {
  it.each(['https://any.test//evil.example/items?a=b', '/\\evil.example/items?a=b', '//evil.example/items?a=b'])(
    '%s',
    async (address) => {
      const asked: URL[] = [];
      const fetch = async (input: string | URL | Request): Promise<Response> => {
        asked.push(new URL(input as string));
        return new Response('ok');
      };
      await endpointFetch(failover(['http://one.test', 'http://two.test/base/']), { fetch })(address);
      expect(asked.map(({ host, search }) => [host, search])).toEqual([['one.test', '?a=b']]);
      await endpointFetch(failover(['http://two.test/base/']), { fetch })(address);
      expect(asked.at(-1)!.href).toMatch(/^http:\/\/two\.test\/base\/.*items\?a=b$/);
    },
  );
});

it('a request without a host runs under the policies of the pipeline around its endpoints', () =>
  withServer(
    (_request, response) => response.end('ok'),
    async ({ url }) => {
      const whole = pipeline();
      const response = await resilientFetch(whole, { fetch: endpointFetch(failover([url])) })('/items');
      expect(whole.busy).toBe(1);
      expect([await response.text(), whole.busy]).toEqual(['ok', 0]);
    },
  ));

describe('a reason that no Response can be constructed with', () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 Größe 확인\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'),
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => void server.close());

  it.each([{}, { bodyTimeoutMs: 60_000 }, { body: 'buffered' }] as const)(
    'is handed on as fetch has it: %o',
    async (options) => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const { statusText } = await fetch(url);
      const response = await resilientFetch(pipeline(), options)(url);
      expect([response.statusText, response.clone().statusText, response.body !== null]).toEqual([
        statusText,
        statusText,
        true,
      ]);
      expect(await response.text()).toBe('ok');
    },
  );
});

describe('a response whose body was read inside the attempt', () => {
  it('has headers that can not be changed, as that of fetch', () =>
    withServer(
      (_request, response) => response.end('ok'),
      async ({ url }) => {
        const { headers } = await resilientFetch(pipeline(), { body: 'buffered' })(url);
        expect(() => headers.set('a', 'b')).toThrow(TypeError);
      },
    ));

  it.each([304, 204, 205])('has none where a failure of status %i can have none', (status) =>
    withServer(
      (_request, response) => response.writeHead(status).end(),
      async ({ url }) => {
        const http = resilientFetch(pipeline(), { failureStatuses: [status], throwOnStatus: false });
        const response = await http(url);
        expect([response.status, response.body, await response.text()]).toEqual([status, null, '']);
      },
    ),
  );

  it('has none where a failure answers a HEAD', () =>
    withServer(
      (_request, response) => response.writeHead(503).end(),
      async ({ url }) => {
        const response = await resilientFetch(pipeline(), { throwOnStatus: false })(url, { method: 'HEAD' });
        expect([response.status, response.body]).toEqual([503, null]);
      },
    ));
});

describe('what is no call', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['options that are no object', 3],
    ['a signal that is none', { signal: {} }],
    ['a signal that is a number', { signal: 3 }],
  ];
  it.each(wrong)('by %s fails as with fetch', async (_, init) => {
    const plain = (await failing(fetch('http://127.0.0.1:1/', init as never))) as Error;
    const error = await failing(resilientFetch(pipeline())('http://127.0.0.1:1/', init as never));
    expect(error).toMatchObject({ name: plain.name, message: plain.message });
  });

  it('rejects, and does not throw, where the options of the call can not be made', async () => {
    const callOptions = (): never => {
      throw new RangeError('mine');
    };
    expect(await failing(resilientFetch(pipeline(), { callOptions })('http://127.0.0.1:1/'))).toBeInstanceOf(
      RangeError,
    );
  });

  it('is sent with a method that only becomes a string', () =>
    withServer(
      (request, response) => response.end(request.method),
      async ({ url }) => {
        const method = { toString: () => 'put' } as unknown as string;
        expect(await (await resilientFetch(pipeline())(url, { method })).text()).toBe('PUT');
      },
    ));
});
