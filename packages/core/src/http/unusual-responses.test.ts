import { describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { failover } from '../failover/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { constant, retry } from '../retry/index.ts';
import { timeout } from '../timeout/index.ts';
import type { ExecutionContext } from '../policy/context.ts';
import {
  endpointFetch,
  type Fetch,
  type FetchEndpoints,
  type FetchPipeline,
  resilientFetch,
  type ResilientFetchOptions,
} from './index.ts';

const url = 'http://host.test/items/1?token=secret';

/** A fetch with these answers, the last of them again and again. */
function platform(...answers: readonly (() => Response)[]): Fetch & { asked: number } {
  const fetch: Fetch & { asked: number } = async (_input, init) => {
    const answer = answers[Math.min(fetch.asked, answers.length - 1)]!;
    fetch.asked++;
    init?.signal?.throwIfAborted();
    return answer();
  };
  fetch.asked = 0;
  return fetch;
}

const answer =
  (status: number, body: BodyInit | (() => BodyInit) | null = null, headers: Record<string, string> = {}) =>
  () =>
    new Response(typeof body === 'function' ? body() : body, { status, headers });

/** A body that sends this, and then what `more` does. */
const bodyOf = (
  text: string,
  more: Partial<UnderlyingDefaultSource<Uint8Array>> & {
    readonly afterwards?: (error: (reason: unknown) => void) => void;
  } = {},
): ReadableStream<Uint8Array> => {
  const { afterwards, ...source } = more;
  return new ReadableStream<Uint8Array>(
    {
      ...source,
      pull: (controller) => {
        if (text !== '') controller.enqueue(new TextEncoder().encode(text));
        text = '';
        if (afterwards === undefined) controller.close();
        else afterwards((reason) => controller.error(reason));
      },
    },
    { highWaterMark: 0 },
  );
};

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

/** Two attempts without a wait, in virtual time. */
const twice = (more: Parameters<typeof retry>[0] = {}): ReturnType<typeof retry> =>
  retry({ maxAttempts: 2, backoff: constant(0), jitter: 'none', ...more });
const under = (fetch: Fetch, options: ResilientFetchOptions = {}) =>
  resilientFetch(pipeline({ clock: new VirtualClock() }, twice()), { fetch, ...options });

describe('a status that a function judges', () => {
  it('is judged as by default where the function throws, and the fault is told', async () => {
    const calls = pipeline({ clock: new VirtualClock() }, twice());
    const hooks: unknown[] = [];
    calls.on('hook-failed', ({ hook }) => hooks.push(hook));
    const failureStatuses = (): boolean => {
      throw new Error('mine');
    };
    const http = resilientFetch(calls, { fetch: platform(answer(503), answer(404)), failureStatuses });
    expect((await http(url)).status).toBe(404);
    expect(hooks).toEqual(['failureStatuses', 'failureStatuses']);
  });
});

describe('a failure', () => {
  it('has no body where the response has none', async () => {
    expect(await failing(under(platform(answer(503)))(url))).toMatchObject({ code: 'HTTP_503', body: undefined });
  });

  it('is still told by its status where its body breaks off', async () => {
    const broken = answer(503, () => bodyOf('half', { afterwards: (fail) => fail(new TypeError('terminated')) }));
    expect(await failing(under(platform(broken))(url))).toMatchObject({ code: 'HTTP_503', body: undefined });
  });

  it('is told by what broke its body off where its response was to be handed out', async () => {
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    const broken = () =>
      new Response(bodyOf('half', { afterwards: (fail) => fail(new TypeError('terminated', { cause: reset })) }), {
        status: 503,
      });
    const error = await failing(under(platform(broken), { throwOnStatus: false })(url));
    expect(error).toMatchObject({ code: 'NETWORK_RESET' });
  });

  it('whose response was to be handed out, and is too large, says so', async () => {
    const large = answer(503, 'x'.repeat(11));
    const error = await failing(under(platform(large), { throwOnStatus: false, maxBodyBytes: 10 })(url));
    expect(error).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
  });

  it('ends with the reason of the abort that broke its body off', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100, mode: 'cooperative' }));
    const fetch: Fetch = (_input, init) =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            start: (controller) =>
              init!.signal!.addEventListener('abort', () => controller.error(new Error('aborted'))),
          }),
          { status: 503 },
        ),
      );
    const error = failing(resilientFetch(calls, { fetch })(url));
    await clock.advance(100);
    expect(await error).toMatchObject({ code: 'TIMEOUT' });
  });

  it('that must not be repeated is not, whatever the retry would do', async () => {
    const fetch = platform(answer(500));
    const calls = pipeline({ clock: new VirtualClock() }, twice({ retryIf: () => true }));
    const error = await failing(resilientFetch(calls, { fetch })(url, { method: 'POST', body: '{}' }));
    expect([error, fetch.asked]).toEqual([expect.objectContaining({ code: 'HTTP_500', retryable: false }), 1]);
  });

  it('of a fetch of your own, which no network has, passes as it is', async () => {
    const own = new RangeError('mine');
    expect(await failing(under(() => Promise.reject(own))(url))).toBe(own);
  });

  it('names the path of a request, also of one that has no host', async () => {
    const replicas = failover(['http://one.test']);
    const fetch = endpointFetch(replicas, { fetch: platform(answer(503)) });
    expect(await failing(fetch('/items/2?a=b'))).toMatchObject({ path: '/items/2', method: 'GET' });
    expect(await failing(under(platform(answer(503)))(new Request(url)))).toMatchObject({ path: '/items/1' });
  });

  it('whose rest can not be let go of is told all the same', async () => {
    const stubborn = answer(503, () =>
      bodyOf('x'.repeat(20), { afterwards: () => undefined, cancel: () => Promise.reject(new Error('no')) }),
    );
    const error = await failing(under(platform(stubborn), { maxErrorBodyBytes: 4 })(url));
    expect(error).toMatchObject({ code: 'HTTP_503', body: 'xxxx' });
  });
});

describe('a response', () => {
  it('without a body is an answer where the body was to be read in the attempt', async () => {
    const response = await under(platform(answer(204)), { body: 'buffered' })(url);
    expect([response.status, response.body]).toEqual([204, null]);
  });

  it('passes chunks on that are not empty', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent++ < 2) controller.enqueue(new Uint8Array(sent === 1 ? 0 : 3));
        else controller.close();
      },
    });
    const chunks: number[] = [];
    const response = await under(platform(() => new Response(body)))(url);
    for await (const chunk of response.body!) chunks.push(chunk.byteLength);
    expect(chunks).toEqual([3]);
  });

  it('is read whole within the limit on silence where there is one', async () => {
    const http = under(platform(answer(200, '{"a":1}')), { bodyTimeoutMs: 1_000 });
    expect(await (await http(url)).json()).toEqual({ a: 1 });
    expect(await (await http(url)).text()).toBe('{"a":1}');
  });

  it('that can not be watched is replaced by one that says the same', async () => {
    const calls = pipeline({ clock: new VirtualClock() });
    const frozen = (): Response => Object.preventExtensions(new Response('frozen', { headers: { 'x-own': 'mine' } }));
    const response = await resilientFetch(calls, { fetch: platform(frozen) })(url);
    expect(calls.busy).toBe(1);
    expect([response.headers.get('x-own'), await response.text(), response.bodyUsed]).toEqual(['mine', 'frozen', true]);
    await Promise.resolve();
    expect(calls.busy).toBe(0);
  });

  it('of a fetch that has policies of its own ends both calls when it has been read', async () => {
    const inner = pipeline({ clock: new VirtualClock() });
    const outer = pipeline({ clock: new VirtualClock() });
    const http = resilientFetch(outer, { fetch: resilientFetch(inner, { fetch: platform(answer(200, 'read')) }) });
    const response = await http(url);
    expect([inner.busy, outer.busy]).toEqual([1, 1]);
    expect(await response.text()).toBe('read');
    await Promise.resolve();
    expect([inner.busy, outer.busy]).toEqual([0, 0]);
  });

  it.each(['Deno', 'Bun'])('is another one where the platform, as %s, reads responses from inside', async (name) => {
    class OwnResponse extends Response {}
    vi.stubGlobal(name, {});
    const calls = pipeline({ clock: new VirtualClock() });
    const original = new OwnResponse('read');
    const response = await resilientFetch(calls, { fetch: platform(() => original) })(url);
    expect([response === original, await response.text(), calls.busy]).toEqual([false, 'read', 0]);
  });

  it('that was not read in time is broken for whoever reads it then, in whatever way', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock });
    const http = resilientFetch(calls, { fetch: platform(answer(200, 'late')), unreadTimeoutMs: 50 });
    const [one, other] = [await http(url), await http(url)];
    await clock.advance(50);
    expect(calls.busy).toBe(0);
    expect(await failing(one.text())).toMatchObject({ code: 'HTTP_TIMEOUT_UNREAD' });
    expect(await failing(other.body!.getReader().read())).toMatchObject({ code: 'HTTP_TIMEOUT_UNREAD' });
  });

  it('that comes after its time is let go of', async () => {
    const clock = new VirtualClock();
    let cancelled: unknown;
    let respond!: (response: Response) => void;
    const fetch: Fetch = () => new Promise((resolve) => (respond = resolve));
    const calls = pipeline({ clock });
    const error = failing(resilientFetch(calls, { fetch, headersTimeoutMs: 50 })(url));
    await clock.advance(50);
    expect(await error).toMatchObject({ code: 'HTTP_TIMEOUT_HEADERS' });
    respond(new Response(bodyOf('late', { cancel: () => void (cancelled = true) })));
    await clock.advance(0);
    expect(cancelled).toBe(true);
  });
});

describe('a response that has been read', () => {
  const reading = (): Promise<Response> => under(platform(answer(200, '{"a":1}')))(url);

  it('gives its JSON, once, as that of fetch does', async () => {
    const response = await reading();
    expect(await response.json()).toEqual({ a: 1 });
    expect([response.bodyUsed, response.body?.locked]).toEqual([true, (await readPlainly()).body?.locked]);
    expect(await failing(response.text())).toBeInstanceOf(TypeError);
    expect(await failing(response.arrayBuffer())).toBeInstanceOf(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
  });

  it('is refused to whoever reads beside the first', async () => {
    const response = await reading();
    const first = response.text();
    expect(await failing(response.text())).toBeInstanceOf(TypeError);
    expect([response.bodyUsed, await first]).toEqual([true, '{"a":1}']);
  });

  async function readPlainly(): Promise<Response> {
    const response = new Response('{"a":1}');
    await response.json();
    return response;
  }
});

describe('a request', () => {
  it('keeps its headers beside the deadline that the server is told, and its method at another address', async () => {
    const sent: [string, string | null, string | null][] = [];
    const fetch: Fetch = (input, init) => {
      const request = new Request(input, init);
      sent.push([
        `${request.method} ${request.url}`,
        request.headers.get('x-own'),
        request.headers.get('breakwater-deadline-ms'),
      ]);
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    const request = (): Request => new Request(url, { method: 'PUT', headers: { 'x-own': 'mine' } });
    const asked = endpointFetch(failover(['http://other.test/v1']), { fetch });
    await asked(request());
    const calls = pipeline({ clock: new VirtualClock() }, timeout({ timeoutMs: 1_000 }));
    await resilientFetch(calls, { fetch, sendDeadline: true })(request());
    expect(sent).toEqual([
      ['PUT http://other.test/v1/items/1?token=secret', 'mine', null],
      ['PUT http://host.test/items/1?token=secret', 'mine', '1000'],
    ]);
  });

  it('takes the time of the system where its pipeline, or its endpoints, tell of no clock', async () => {
    const context = { signal: new AbortController().signal, attempt: 1, remainingMs: Infinity } as ExecutionContext;
    const fetch = platform(answer(204));
    const calls: FetchPipeline = { execute: (async (fn) => await fn(context)) as FetchPipeline['execute'] };
    const endpoints: FetchEndpoints = {
      execute: (async (fn) => await fn('http://one.test', context)) as FetchEndpoints['execute'],
    };
    const statuses = [
      (await resilientFetch(calls, { fetch })(url)).status,
      (await endpointFetch(endpoints, { fetch })(url)).status,
    ];
    expect(statuses).toEqual([204, 204]);
  });
});

describe('a limit on the time to a connection', () => {
  it('is refused where the platform does not tell when there is one', () => {
    vi.stubGlobal('Response', undefined);
    expect(() => resilientFetch(pipeline(), { connectTimeoutMs: 100 })).toThrow(/does not tell when it is connected/);
  });
});
