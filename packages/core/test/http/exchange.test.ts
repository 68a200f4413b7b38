import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import { type Handler, type TestServer, withServer } from './test-server.ts';

type Dispatch = (options: object, handler: object) => boolean;

/** The dispatcher that the platform's fetch uses by itself. */
function platformDispatcher(): { dispatch: Dispatch } {
  const known = globalThis as { readonly [name: symbol]: { dispatch: Dispatch } | undefined };
  return (known[Symbol.for('undici.globalDispatcher.1')] ?? known[Symbol.for('undici.globalDispatcher.2')])!;
}

/** A server, and what the platform's fetch is given, from the second request to it on. */
function watched(handler: Handler, body: (server: TestServer, given: RequestInit[]) => Promise<void>): Promise<void> {
  return withServer(handler, async (server) => {
    const platform = globalThis.fetch;
    const given: RequestInit[] = [];
    vi.stubGlobal('fetch', (input: string, init: RequestInit) => {
      given.push(init);
      return platform(input, init);
    });
    await (await resilientFetch(pipeline())(server.url)).text();
    given.length = 0;
    server.requests.length = 0;
    await body(server, given);
  });
}

beforeEach(() => void vi.unstubAllGlobals());
afterEach(() => void vi.unstubAllGlobals());

describe('a request of the platform’s fetch, seen and ended where it is sent', () => {
  it('needs no signal once this fetch was seen to send through its dispatcher', () =>
    withServer(
      (_request, response) => response.end('ok'),
      async (server) => {
        const platform = globalThis.fetch;
        const signals: unknown[] = [];
        vi.stubGlobal('fetch', (input: string, init: RequestInit) => {
          signals.push(init.signal);
          return platform(input, init);
        });
        const send = resilientFetch(pipeline());
        for (const input of [server.url, server.url, new Request(server.url), server.url])
          expect(await (await send(input)).text()).toBe('ok');
        const aSignal = expect.any(AbortSignal);
        // A Request may have a dispatcher of its own, which nobody is shown.
        expect(signals).toEqual([aSignal, undefined, aSignal, undefined]);
      },
    ));

  it('gets a signal each time where fetch sends by itself', async () => {
    const aborted: unknown[] = [];
    const waiting = (_input: string, { signal }: RequestInit): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => {
          aborted.push(signal!.reason);
          reject(signal!.reason);
        });
      });
    vi.stubGlobal('fetch', waiting);
    const send = resilientFetch(pipeline());
    for (let calls = 0; calls < 2; calls++) {
      const controller = new AbortController();
      const sent = send('http://upstream.test', { signal: controller.signal });
      controller.abort(calls);
      await expect(sent).rejects.toBe(calls);
    }
    expect(aborted).toEqual([0, 1]);
  });

  it('ends its call with its headers when all of the response has come with them', () =>
    watched(
      (_request, response) => response.end('all of it'),
      async (server) => {
        const call = pipeline();
        const response = await resilientFetch(call)(server.url);
        expect(call.busy).toBe(0);
        expect(await response.text()).toBe('all of it');
      },
    ));

  it.each([
    ['comes in parts', {}, (response: { write(part: string): void; end(): void }) => response.write('half, ')],
    ['is compressed, and may turn out to be broken', { 'content-encoding': 'gzip' }, undefined],
  ])('keeps its call until the body has been read where that %s', (_what, headers, begin) => {
    let finish = (): void => undefined;
    return watched(
      (request, response) => {
        if (request.url === '/') return response.end();
        response.writeHead(200, headers);
        if (begin === undefined) return response.end(gzipSync('half, and half'));
        begin(response);
        finish = () => response.end('and half');
        return response;
      },
      async (server) => {
        const call = pipeline();
        const response = await resilientFetch(call)(`${server.url}/parts`);
        expect(call.busy).toBe(1);
        const text = response.text();
        finish();
        expect(await text).toBe('half, and half');
        expect(call.busy).toBe(0);
      },
    );
  });

  it('is over at once when its call is, also while it looks for a connection, and is not sent any more', () =>
    watched(
      (_request, response) => response.end('too late'),
      async (server, given) => {
        const connecting: (() => void)[] = [];
        const dispatcher = {
          dispatch: (options: object, handler: object) => {
            connecting.push(() => platformDispatcher().dispatch(options, handler));
            return true;
          },
        };
        const controller = new AbortController();
        const init = { dispatcher } as RequestInit;
        const call = pipeline(timeout({ timeoutMs: 30 }));
        await expect(resilientFetch(call)(server.url, init)).rejects.toMatchObject({ code: 'TIMEOUT' });
        const aborted = resilientFetch(pipeline())(server.url, { ...init, signal: controller.signal });
        setTimeout(() => controller.abort('no error at all'), 1);
        await expect(aborted).rejects.toBe('no error at all');
        for (const connect of connecting) connect();
        await (await fetch(`${server.url}/after`)).text();
        expect([connecting.length, server.requests, call.busy]).toEqual([2, ['GET /after'], 0]);
        expect(given[0]!.signal).toBeUndefined();
      },
    ));

  it('listens to the caller’s signal once for all its calls, and takes a response back that is all there but not read', () =>
    watched(
      (_request, response) => response.end('all of it'),
      async (server, given) => {
        const controller = new AbortController();
        const { signal } = controller;
        const added = vi.spyOn(signal, 'addEventListener');
        const call = pipeline();
        const send = resilientFetch(call);
        const responses = await Promise.all(Array.from({ length: 10 }, () => send(server.url, { signal })));
        expect([added.mock.calls.length, call.busy]).toEqual([1, 10]);
        expect(given.map((init) => init.signal)).toEqual(Array.from({ length: 10 }, () => null));
        expect(await responses[0]!.text()).toBe('all of it');
        controller.abort(new Error('enough'));
        await expect(responses[1]!.text()).rejects.toThrow('enough');
        expect(call.busy).toBe(0);
      },
    ));

  it('ends with the response that the last redirect leads to', () =>
    watched(
      (request, response) => {
        if (request.url === '/') return response.end();
        if (request.url === '/from') return response.writeHead(302, { location: '/to' }).end('over there');
        response.writeHead(200).write('never ends');
        return response;
      },
      async (server) => {
        const call = pipeline(timeout({ timeoutMs: 50 }));
        const response = await resilientFetch(call)(`${server.url}/from`);
        expect([response.redirected, call.busy]).toEqual([true, 1]);
        await expect(response.text()).rejects.toMatchObject({ code: 'TIMEOUT' });
        await server.allEnded();
      },
    ));

  it('reads what has no server as fetch does', async () => {
    const call = pipeline();
    const send = resilientFetch(call);
    for (let times = 0; times < 2; times++) {
      expect(await (await send('data:text/plain,here')).text()).toBe('here');
      expect(call.busy).toBe(0);
    }
  });
});
