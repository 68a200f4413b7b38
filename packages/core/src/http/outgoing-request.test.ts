import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { failover } from '../failover/index.ts';
import { pipeline } from '../pipeline/index.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { timeout } from '../timeout/index.ts';
import { endpointFetch, type Fetch, type FetchEndpoints, type FetchPipeline, resilientFetch } from './index.ts';
import { answer, foreign, platform, url } from './test-support/answers.ts';

describe('a request', () => {
  it('is sent to the endpoint whole, its method and headers with it', async () => {
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

  it('keeps its headers and method beside the deadline that the server is told', async () => {
    const sent: (string | null)[] = [];
    const fetch: Fetch = (input, init) => {
      const { method, headers } = new Request(input, init);
      sent.push(method, headers.get('x-own'), headers.get('breakwater-deadline-ms'));
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    const calls = pipeline({ clock: new VirtualClock() }, timeout({ timeoutMs: 1_000 }));
    const request = new Request(url, { method: 'PUT', headers: { 'x-own': 'mine' } });
    await resilientFetch(calls, { fetch, sendDeadline: true })(request);
    expect(sent).toEqual(['PUT', 'mine', '1000']);
  });

  it('goes through what runs calls and is no pipeline of this library, which is told of no hook that fails; the server is told of its time', async () => {
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
