import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { failover } from '../failover/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { timeout } from '../timeout/index.ts';
import { endpointFetch, type Fetch, resilientFetch } from './index.ts';
import { answer, bodyOf, failing, foreign, platform, twice, under, url } from './test-support/answers.ts';

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

  it('ends with the reason of the caller that ended its body', async () => {
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
