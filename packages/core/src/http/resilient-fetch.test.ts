import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/index.ts';
import { circuitBreaker } from '../circuit-breaker/index.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { constant, retry } from '../retry/index.ts';
import { timeout } from '../timeout/index.ts';
import { type Fetch, resilientFetch, type ResilientFetchOptions } from './index.ts';

const url = 'http://host.test/items/1?token=secret';

/** A platform whose answers are written down, and that notes what it was asked. */
function platform(...answers: readonly (() => Response | Promise<Response>)[]) {
  const asked: { readonly input: string | URL | Request; readonly init: RequestInit | undefined }[] = [];
  const fetch: Fetch = async (input, init) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push({ input, init });
    init?.signal?.throwIfAborted();
    return await answer();
  };
  return { asked, fetch };
}

const answer =
  (status: number, body: string | null = '', headers: Record<string, string> = {}) =>
  () =>
    new Response(body, { status, headers });

/** A response whose body comes when it is told to, and that notes whether it was cancelled. */
function slowBody() {
  const state = {
    cancelled: undefined as unknown,
    controller: undefined as unknown as ReadableStreamDefaultController<Uint8Array>,
  };
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void (state.controller = controller),
    cancel: (reason) => void (state.cancelled = reason),
  });
  return {
    state,
    body,
    answer: () => new Response(body, { status: 200 }),
    send: (text: string) => state.controller.enqueue(new TextEncoder().encode(text)),
  };
}

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

/** Reads the stream itself: Chromium's `text()` rejects with an error of its own whatever broke the body off. */
async function readWhole(response: Response): Promise<void> {
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) continue;
}

describe('resilientFetch', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])(
    'takes status %i for a failure, and every other for an answer',
    async (status) => {
      const { fetch, asked } = platform(answer(status), answer(404, 'no'));
      const clock = new VirtualClock();
      const call = pipeline({ clock }, retry({ maxAttempts: 2, backoff: constant(0), jitter: 'none' }));
      const response = await resilientFetch(call, { fetch })(url);
      expect(response.status).toBe(404);
      expect(asked).toHaveLength(2);
    },
  );

  it('waits as long as Retry-After asks, also by a date, before it tries again', async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    const { fetch } = platform(
      () => (at.push(clock.now()), answer(503, '', { 'retry-after': '2' })()),
      () => (
        at.push(clock.now()),
        answer(429, '', { 'retry-after': new Date(clock.wallTime() + 3_000).toUTCString() })()
      ),
      () => (at.push(clock.now()), answer(200, 'done')()),
    );
    const done = resilientFetch(pipeline({ clock }, retry({ maxAttempts: 3 })), { fetch })(url);
    await clock.advance(10_000);
    expect((await done).status).toBe(200);
    expect(at).toEqual([0, 2_000, 5_000]);
  });

  it('throws what a status means: code, category, method and path, never the query', async () => {
    for (const [status, category] of [
      [429, 'rate_limit'],
      [503, 'external_service'],
      [401, 'authentication'],
      [422, 'validation'],
    ] as const) {
      const { fetch } = platform(
        answer(status, '{"why":"it is so"}', { 'content-type': 'application/json', 'retry-after': '1' }),
      );
      const options: ResilientFetchOptions = { fetch, failureStatuses: (code) => code >= 400 };
      const error = await failing(resilientFetch(pipeline(), options)(url, { method: 'delete' }));
      expect(error).toMatchObject({
        code: `HTTP_${status}`,
        category,
        status,
        method: 'DELETE',
        path: '/items/1',
        body: '{"why":"it is so"}',
        retryAfterMs: 1_000,
      });
      expect(JSON.stringify(error)).not.toContain('secret');
    }
  });

  it('keeps a bounded part of the body of a failure, and only text', async () => {
    const long = platform(answer(500, 'é'.repeat(5_000), { 'content-type': 'text/plain' }));
    const error = await failing(resilientFetch(pipeline(), { fetch: long.fetch, maxErrorBodyBytes: 11 })(url));
    expect(error).toMatchObject({ body: 'ééééé' });
    const image = platform(answer(500, 'GIF89a', { 'content-type': 'image/gif' }));
    expect(await failing(resilientFetch(pipeline(), { fetch: image.fetch })(url))).toMatchObject({ body: undefined });
  });

  it('lets go of the rest of a body that it does not keep', async () => {
    const { state, body, send } = slowBody();
    const { fetch } = platform(() => new Response(body, { status: 500 }));
    const error = failing(resilientFetch(pipeline(), { fetch, maxErrorBodyBytes: 3 })(url));
    send('more than three');
    expect(await error).toMatchObject({ body: 'mor' });
    expect('cancelled' in state && state.controller.desiredSize).toBeDefined();
    expect(() => send('more')).toThrow();
  });

  it('gives the last response of a failure status instead of an error when asked to', async () => {
    for (const body of ['stream', 'buffered'] as const) {
      const { fetch, asked } = platform(answer(503, 'first'), answer(503, 'second', { 'x-a': 'b' }));
      const call = pipeline(retry({ maxAttempts: 2, backoff: constant(0) }));
      const response = await resilientFetch(call, { fetch, body, throwOnStatus: false })(url);
      expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([503, 'b', 'second']);
      expect(asked).toHaveLength(2);
    }
  });

  it('holds permits until the body has been read, or cancelled', async () => {
    const clock = new VirtualClock();
    const permits = bulkhead({ maxConcurrent: 1 });
    const { answer: slow, send, state } = slowBody();
    const other = slowBody();
    const { fetch } = platform(slow, other.answer);
    const resilient = resilientFetch(pipeline({ clock }, permits), { fetch });
    const first = await resilient(url);
    expect(permits.running).toBe(1);
    send('text');
    state.controller.close();
    expect(await first.text()).toBe('text');
    expect(permits.running).toBe(0);
    const second = await resilient(url);
    expect(permits.running).toBe(1);
    await second.body!.cancel('enough');
    await clock.advance(0);
    expect(permits.running).toBe(0);
    expect(other.state.cancelled).toBe('enough');
  });

  it('does not wait for a body that nobody will read', async () => {
    for (const bodiless of [answer(204, null), answer(200, '', { 'content-length': '0' })]) {
      const call = pipeline(bulkhead({ maxConcurrent: 1 }));
      await resilientFetch(call, { fetch: platform(bodiless).fetch })(url, { method: 'HEAD' });
      expect(await call.close()).toBe(0);
    }
  });

  it('breaks off a body whose time is up, also while nobody reads; the breaker sees it, and nothing is retried', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 1 });
    const call = pipeline(
      { clock },
      retry({ maxAttempts: 5, backoff: constant(0) }),
      breaker,
      timeout({ timeoutMs: 1_000 }),
    );
    const { answer: slow, send } = slowBody();
    const { fetch, asked } = platform(slow);
    const response = await resilientFetch(call, { fetch })(url);
    send('half');
    await clock.advance(1_000);
    expect(breaker.state).toBe('open');
    expect(await failing(readWhole(response))).toMatchObject({ code: 'TIMEOUT' });
    expect(asked).toHaveLength(1);
    expect(await call.close()).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not let a long backoff keep a call open whose response was handed out', async () => {
    const clock = new VirtualClock();
    const call = pipeline(
      { clock },
      retry({ maxAttempts: 5, backoff: constant(60_000) }),
      timeout({ timeoutMs: 1_000 }),
    );
    const { fetch, asked } = platform(slowBody().answer);
    const response = await resilientFetch(call, { fetch })(url);
    await clock.advance(1_000);
    expect(call.busy).toBe(0);
    expect(await failing(readWhole(response))).toMatchObject({ code: 'TIMEOUT' });
    await clock.advance(600_000);
    expect(asked).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with the reason of the caller: before the headers, and in the middle of the body', async () => {
    const clock = new VirtualClock();
    const call = pipeline({ clock }, retry({ maxAttempts: 5 }));
    const controller = new AbortController();
    const hanging = platform(() => new Promise<Response>(() => undefined));
    const before = failing(resilientFetch(call, { fetch: hanging.fetch })(url, { signal: controller.signal }));
    controller.abort('enough');
    expect(await before).toBe('enough');
    expect(await failing(resilientFetch(call, { fetch: hanging.fetch })(url, { signal: controller.signal }))).toBe(
      'enough',
    );
    const later = new AbortController();
    const { answer: slow, state } = slowBody();
    const response = await resilientFetch(call, { fetch: platform(slow).fetch })(url, { signal: later.signal });
    const reading = failing(readWhole(response));
    later.abort('later');
    expect(await reading).toBe('later');
    expect(state.cancelled).toBe('later');
    expect(clock.pendingTimers).toBe(0);
  });

  it('reads the whole body inside the attempt when it is buffered, and retries it', async () => {
    const { body, state } = slowBody();
    const { fetch, asked } = platform(() => new Response(body), answer(200, 'whole'));
    const call = pipeline(retry({ maxAttempts: 2, backoff: constant(0) }));
    const done = resilientFetch(call, { fetch, body: 'buffered' })(url);
    await Promise.resolve();
    state.controller.error(new TypeError('terminated'));
    expect(await (await done).text()).toBe('whole');
    expect(asked).toHaveLength(2);
  });

  it('does not buffer without bound, and does not try again what will not fit', async () => {
    const { fetch, asked } = platform(answer(200, 'too long'));
    const call = pipeline(retry({ maxAttempts: 3, backoff: constant(0) }));
    const error = await failing(resilientFetch(call, { fetch, body: 'buffered', maxBodyBytes: 3 })(url));
    expect(error).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
    expect(asked).toHaveLength(1);
  });

  it('sends a request that might have its effect twice again only when it had none', async () => {
    const send = async (status: number, init: RequestInit, more: ResilientFetchOptions = {}): Promise<number> => {
      const { fetch, asked } = platform(answer(status));
      const call = pipeline(retry({ maxAttempts: 3, backoff: constant(0) }));
      await failing(resilientFetch(call, { fetch, ...more })(url, init));
      return asked.length;
    };
    expect(await send(503, { method: 'POST', body: '{}' })).toBe(1);
    expect(await send(429, { method: 'POST', body: '{}' })).toBe(3);
    expect(await send(503, { method: 'POST', body: '{}', headers: { 'Idempotency-Key': 'a' } })).toBe(3);
    expect(await send(503, { method: 'POST', body: '{}' }, { retryNonIdempotent: true })).toBe(3);
    expect(await send(503, { method: 'PUT', body: '{}' })).toBe(3);
  });

  it('does not send a body twice that is a stream', async () => {
    const { fetch, asked } = platform(answer(503));
    const call = pipeline(retry({ maxAttempts: 3, backoff: constant(0) }));
    const init = { method: 'PUT', body: new ReadableStream(), duplex: 'half' } as RequestInit;
    expect(await failing(resilientFetch(call, { fetch })(url, init))).toMatchObject({ code: 'HTTP_503' });
    expect(asked).toHaveLength(1);
  });

  it('does not send a POST again whose time was up, and says why', async () => {
    const clock = new VirtualClock();
    const { fetch, asked } = platform(() => new Promise<Response>(() => undefined));
    const call = pipeline({ clock }, retry({ maxAttempts: 3, backoff: constant(10) }), timeout({ timeoutMs: 100 }));
    const error = failing(resilientFetch(call, { fetch })(url, { method: 'POST', body: '{}' }));
    await clock.advance(10_000);
    expect(await error).toMatchObject({ code: 'REQUEST_NOT_REPEATABLE', cause: { code: 'TIMEOUT' } });
    expect(asked).toHaveLength(1);
  });

  it('leaves what fetch refuses to send to fetch: its error, and no retry', async () => {
    const refusal = new TypeError('Invalid header name');
    const { fetch, asked } = platform(() => Promise.reject(refusal));
    const call = pipeline(retry({ maxAttempts: 3, backoff: constant(0) }));
    expect(await failing(resilientFetch(call, { fetch })(url))).toBe(refusal);
    expect(asked).toHaveLength(1);
    expect(await failing(resilientFetch(call, { fetch })('http://'))).toBe(refusal);
  });

  it('gives what a fallback has instead', async () => {
    const { fetch } = platform(answer(503));
    const call = pipeline(fallback({ value: 'instead' }));
    const result: Response | 'instead' = await resilientFetch(call, { fetch })(url);
    expect(result).toBe('instead');
  });

  it('tells the server how long it will wait, when asked to', async () => {
    const clock = new VirtualClock();
    const { fetch, asked } = platform(answer(200));
    const call = pipeline({ clock }, timeout({ timeoutMs: 1_500 }));
    await resilientFetch(call, { fetch, sendDeadline: true })(url, { headers: { 'x-a': 'b' } });
    const headers = new Headers(asked[0]!.init?.headers);
    expect([headers.get('breakwater-deadline-ms'), headers.get('x-a')]).toEqual(['1500', 'b']);
    await resilientFetch(pipeline({ clock }), { fetch, sendDeadline: true })(url);
    expect(new Headers(asked[1]!.init?.headers).has('breakwater-deadline-ms')).toBe(false);
  });

  it('tells the pipeline of key, priority and cost', async () => {
    const { fetch } = platform(answer(200, null));
    const keys: unknown[] = [];
    const call = pipeline({ kind: 'spy', around: ({ key, priority }, next) => (keys.push([key, priority]), next()) });
    await resilientFetch(call, {
      fetch,
      callOptions: (input) => ({ key: new URL(input as string).host, priority: 'high' }),
    })(url);
    expect(keys).toEqual([['host.test', 'high']]);
  });

  it('takes a Request, with its signal, and keeps what the response says about itself', async () => {
    const { fetch, asked } = platform(() =>
      Object.defineProperty(answer(200, 'text')(), 'url', { value: 'http://host.test/moved' }),
    );
    const controller = new AbortController();
    const response = await resilientFetch(pipeline(), { fetch })(
      new Request(url, { signal: controller.signal, headers: { 'x-a': 'b' } }),
    );
    expect((asked[0]!.input as Request).headers.get('x-a')).toBe('b');
    expect(response.url).toBe('http://host.test/moved');
    const copy = response.clone();
    expect(copy.url).toBe('http://host.test/moved');
    expect([await response.text(), await copy.text()]).toEqual(['text', 'text']);
  });

  it('leaves nothing of its call with a response that has been read', async () => {
    const { fetch } = platform(answer(200, 'text'));
    const response = await resilientFetch(pipeline(bulkhead()), { fetch })(url);
    const own = (symbol: symbol): unknown => (response as unknown as Record<symbol, unknown>)[symbol];
    const platforms = Object.getOwnPropertySymbols(answer(200, 'text')());
    const ours = Object.getOwnPropertySymbols(response).filter((symbol) => !platforms.includes(symbol));
    expect(await response.text()).toBe('text');
    expect(ours.map(own)).toEqual(ours.map(() => undefined));
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
  });

  it('refuses options that can not be meant', () => {
    expect(() => resilientFetch(pipeline(), { body: 'whole' as never })).toThrow(/resilientFetch.body/);
    expect(() => resilientFetch(pipeline(), { failureStatuses: 500 as never })).toThrow(/failureStatuses/);
  });
});
