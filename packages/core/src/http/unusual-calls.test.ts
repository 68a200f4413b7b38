import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { failover } from '../failover/index.ts';
import { pipeline } from '../pipeline/index.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { endpointFetch, type Fetch, resilientFetch } from './index.ts';

const url = 'http://host.test/items/1';
const giving =
  (make: () => Response): Fetch =>
  async () =>
    make();

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

/** What runs calls as a pipeline does, and is none of this library. */
const foreign = {
  execute: async <R>(fn: (context: ExecutionContext) => R, options: CallOptions = {}): Promise<Awaited<R>> => {
    const { signal = new AbortController().signal } = options;
    return await fn({ signal, attempt: 1, pipeline: undefined, key: 'k', priority: 'normal', remainingMs: 1_500 });
  },
};

/** A body that comes in these parts. */
function parts(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

describe('a response', () => {
  it('whose reader leaves while it waits for a chunk ends its call, and lets go of the connection', async () => {
    let cancelled: unknown;
    const body = new ReadableStream<Uint8Array>({ cancel: (reason) => void (cancelled = reason) });
    const call = pipeline();
    const reader = (await resilientFetch(call, { fetch: giving(() => new Response(body)) })(url)).body!.getReader();
    const reading = reader.read();
    await reader.cancel('enough');
    expect([(await reading).done, cancelled, await call.close()]).toEqual([true, 'enough', 0]);
  });

  it('that is being read can not be read a second time in any way, as that of fetch can not', async () => {
    const response = await resilientFetch(pipeline(), { fetch: giving(() => new Response(parts('te', 'xt'))) })(url);
    const text = response.text();
    for (const again of [() => response.text(), () => response.formData(), () => response.json()])
      expect(await failing(again())).toBeInstanceOf(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    expect(response.body!.locked).toBe(true);
    expect(await text).toBe('text');
  });

  it('that comes when its headers are overdue is let go of', async () => {
    const clock = new VirtualClock();
    let give: (response: Response) => void = () => undefined;
    let cancelled = false;
    const fetch: Fetch = () => new Promise((resolve) => (give = resolve));
    const call = pipeline({ clock });
    const done = resilientFetch(call, { fetch, headersTimeoutMs: 100 })(url);
    const error = failing(done);
    await clock.advance(100);
    expect(await error).toMatchObject({ code: 'HTTP_TIMEOUT_HEADERS' });
    give(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
    await clock.advance(0);
    expect([cancelled, await call.close(), clock.pendingTimers]).toEqual([true, 0, 0]);
  });
});

describe('the body of a failure status', () => {
  it('that the caller ends by an abort fails the call with its reason', async () => {
    const controller = new AbortController();
    let begins: () => void = () => undefined;
    const read = new Promise<void>((resolve) => (begins = resolve));
    const fetch: Fetch = async (_input, init) => {
      const signal = init!.signal!;
      const start = (body: ReadableStreamDefaultController): void =>
        signal.addEventListener('abort', () => body.error(signal.reason));
      return new Response(new ReadableStream({ start, pull: () => begins() }, { highWaterMark: 0 }), { status: 500 });
    };
    const error = failing(resilientFetch(foreign, { fetch })(url, { signal: controller.signal }));
    await read;
    controller.abort('enough');
    expect(await error).toBe('enough');
  });
});

describe('what runs calls and is no pipeline of this library', () => {
  it('is told of no hook that fails, and of the time it has left the server is', async () => {
    const headers: [string, string][] = [];
    const fetch: Fetch = async (_input, init) => {
      headers.push(...new Headers(init?.headers));
      return new Response('ok');
    };
    const limiter = {
      feedback: () => {
        throw new Error('own');
      },
    };
    const send = resilientFetch(foreign, { fetch, limiter, sendDeadline: true, body: 'buffered' });
    const response = await send(new Request(url, { headers: { 'x-own': 'kept' } }));
    expect(await response.text()).toBe('ok');
    expect(headers).toContainEqual(['x-own', 'kept']);
    expect(headers.flat()).toContain('1500');
  });
});

it('a Request is sent to the endpoint whole, its method and headers with it', async () => {
  const sent: Request[] = [];
  const fetch: Fetch = async (input) => {
    sent.push(input as Request);
    return new Response('ok');
  };
  const ask = endpointFetch(failover(['http://one.test/base']), { fetch });
  await ask(new Request('http://any.test/items?q=1', { method: 'DELETE', headers: { 'x-own': 'kept' } }));
  const [request] = sent;
  expect([request!.url, request!.method, request!.headers.get('x-own')]).toEqual([
    'http://one.test/base/items?q=1',
    'DELETE',
    'kept',
  ]);
});
