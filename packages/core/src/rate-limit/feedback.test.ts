import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { rateLimiter } from './index.ts';

const single = (clock: VirtualClock) => rateLimiter({ limit: 100, periodMs: 60_000, clock });
const llm = (clock: VirtualClock) =>
  rateLimiter({
    limits: [
      { name: 'requests', limit: 60, periodMs: 60_000 },
      { name: 'tokens', limit: 60_000, periodMs: 60_000 },
    ],
    clock,
  });

describe('what a server says', () => {
  it('holds everybody back who shares the budget, as long as its Retry-After wants', async () => {
    const clock = new VirtualClock();
    const limiter = single(clock);
    limiter.feedback({ status: 429, headers: { 'retry-after': '2' } }, 'a');
    expect(limiter.tryAcquire('a')).toMatchObject({ allowed: false, limitName: 'pause', retryAfterMs: 2_000 });
    expect(limiter.tryAcquire('b').allowed).toBe(true);
    let at = -1;
    void limiter.acquire('a').then(() => (at = clock.now()));
    await expect(limiter.acquire('a', { maxWaitMs: 1_999 })).rejects.toMatchObject({
      reason: 'wait',
      retryAfterMs: 2_000,
    });
    expect(limiter.reserve('a')).toMatchObject({ executeAt: 2_000 });
    await clock.advance(3_000);
    expect(at).toBe(2_000);
  });

  it('is never shortened by a later, shorter word', () => {
    const limiter = single(new VirtualClock());
    limiter.feedback({ status: 503, headers: new Headers({ 'retry-after': '10' }) });
    limiter.feedback({ status: 429, headers: { 'retry-after-ms': '5' } });
    expect(limiter.check().retryAfterMs).toBe(10_000);
  });

  it('makes up no pause where it says nothing, or refused nothing', () => {
    const limiter = single(new VirtualClock());
    limiter.feedback({ status: 429, headers: {} });
    limiter.feedback({ status: 200, headers: { 'retry-after': '5' } });
    limiter.feedback({ status: 500, headers: { 'retry-after': '5' } });
    expect(limiter.check().allowed).toBe(true);
  });

  it('lowers what is left to what the server counts, and never raises it', () => {
    const limiter = single(new VirtualClock());
    const headers = { 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '30', 'x-ratelimit-reset': '42' };
    limiter.feedback({ status: 200, headers }, 'a');
    expect(limiter.check('a').remaining).toBe(30);
    limiter.feedback({ status: 200, headers: { ...headers, 'x-ratelimit-remaining': '90' } }, 'a');
    expect(limiter.check('a').remaining).toBe(30);
  });

  it.each([
    [
      'OpenAI',
      {
        'x-ratelimit-remaining-requests': '12',
        'x-ratelimit-reset-requests': '48s',
        'x-ratelimit-remaining-tokens': '900',
        'x-ratelimit-reset-tokens': '6m0s',
      },
    ],
    [
      'Anthropic',
      {
        'anthropic-ratelimit-requests-remaining': '12',
        'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:48Z',
        'anthropic-ratelimit-tokens-remaining': '900',
        'anthropic-ratelimit-tokens-reset': '2026-01-01T00:06:00Z',
      },
    ],
    ['the IETF drafts', { ratelimit: '"requests";r=12;t=48, "tokens";r=900;t=360' }],
  ])('is found by the name of each limit in the headers of %s', (_, headers) => {
    const limiter = llm(new VirtualClock());
    limiter.feedback({ status: 200, headers });
    expect(limiter.check(undefined, { cost: { requests: 12, tokens: 900 } }).allowed).toBe(true);
    expect(limiter.check(undefined, { cost: { requests: 13, tokens: 900 } }).limitName).toBe('requests');
    expect(limiter.check(undefined, { cost: { requests: 12, tokens: 901 } }).limitName).toBe('tokens');
  });
});

describe('an update of the limits', () => {
  it('takes effect at once, keeps what was taken, and is told', () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, clock, name: 'api' });
    const events: unknown[] = [];
    limiter.events.on('limit-updated', (event) => events.push(event));
    limiter.tryAcquire('a', { cost: 8 });
    limiter.update({ limit: 20 });
    expect(limiter.check('a')).toMatchObject({ limitValue: 20, remaining: 12 });
    expect(limiter.limits).toEqual([{ name: 'api', limit: 20, periodMs: 1_000, burst: 20 }]);
    limiter.update({ limit: 5, burst: 4 });
    expect(limiter.check('a')).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 1_000 });
    expect(events).toMatchObject([
      { type: 'limit-updated', policy: 'api', limitName: 'api', limit: 20, previousLimit: 10 },
      { limit: 5, burst: 4, previousLimit: 20 },
    ]);
    expect(limiter.statistics.updates).toBe(2);
  });

  it('is never clamped: numbers that can not be meant are refused, and nothing has changed', () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 5, clock: new VirtualClock() });
    for (const change of [{ limit: 0 }, { limit: 1.5 }, { periodMs: 0 }, { burst: -1 }, { limits: 3 } as never])
      expect(() => limiter.update(change)).toThrow(/update\./);
    expect(limiter.limits).toEqual([{ name: 'rate-limit', limit: 10, periodMs: 1_000, burst: 5 }]);
    limiter.update({ limit: 20 });
    expect(limiter.limits[0]!.burst).toBe(5);
  });

  it('names the limit that it is for where there are several', () => {
    const limiter = llm(new VirtualClock());
    limiter.update({ limit: 30 }, 'requests');
    expect(limiter.limits.map(({ limit }) => limit)).toEqual([30, 60_000]);
    expect(() => limiter.update({ limit: 1 })).toThrow(RangeError);
    expect(() => limiter.update({ limit: 1 }, 'nothing')).toThrow(/requests, tokens/);
  });
});

describe('penalties and rewards', () => {
  it('charge and forgive without a request', () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, clock: new VirtualClock() });
    limiter.penalise('a', 12);
    expect(limiter.check('a')).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 300 });
    limiter.reward('a', 5);
    expect(limiter.check('a').remaining).toBe(3);
    limiter.reward('a', 100);
    expect(limiter.check('a').remaining).toBe(10);
    limiter.reward('never seen', 1);
    expect(limiter.statistics).toMatchObject({ overshoot: 12, admitted: 0, refused: 0, keys: 1 });
    expect(() => limiter.penalise('a', -1)).toThrow(RangeError);
  });
});

describe('the events of a limiter', () => {
  it('tell who is refused, waits and was let in, each with its key', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 1, maxKeys: 1, clock, name: 'api' });
    const events: string[] = [];
    limiter.events.on('*', (event) => events.push(`${event.type} ${event.policy} ${event.key}`));
    limiter.tryAcquire('a');
    limiter.tryAcquire('a');
    void limiter.acquire('a');
    await clock.advance(100);
    limiter.tryAcquire('b');
    expect(events).toEqual([
      'limit-refused api a',
      'limit-queued api a',
      'limit-admitted api a',
      'limit-evicted api undefined',
    ]);
    expect(limiter.statistics).toMatchObject({ evictedKeys: 1, waits: { count: 1, totalMs: 100, maxMs: 100 } });
  });
});
