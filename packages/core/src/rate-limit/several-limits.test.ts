import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { rateLimiter, slidingLog } from './index.ts';
import { type Admission, mostInAnyWindow } from './test-support/admissions.ts';
import { steppedClock } from './test-support/stepped-clock.ts';

const llm = (clock = new VirtualClock()) =>
  rateLimiter({
    name: 'model',
    limits: [
      { name: 'requests', limit: 60, periodMs: 60_000, burst: 3 },
      { name: 'tokens', limit: 6_000, periodMs: 60_000, burst: 1_000 },
    ],
    clock,
  });

describe('several limits in one decision', () => {
  it('let a request through together or take nothing from any', () => {
    const limiter = llm();
    expect(limiter.tryAcquire('a', { cost: { tokens: 900 } }).allowed).toBe(true);
    for (let times = 0; times < 100; times++) {
      expect(limiter.tryAcquire('a', { cost: { tokens: 900 } })).toMatchObject({
        allowed: false,
        limitName: 'tokens',
        retryAfterMs: 8_000,
      });
    }
    // The refusals have cost no requests: two more are there.
    expect(limiter.check('a', { cost: { requests: 2, tokens: 1 } }).allowed).toBe(true);
    expect(limiter.check('a', { cost: { requests: 3, tokens: 1 } })).toMatchObject({ limitName: 'requests' });
  });

  it('name the one that holds longest when several refuse, and the one with the least left otherwise', () => {
    const limiter = llm();
    expect(limiter.tryAcquire('a', { cost: { tokens: 999 } })).toMatchObject({ limitName: 'tokens', remaining: 1 });
    expect(limiter.tryAcquire('b')).toMatchObject({ limitName: 'requests', remaining: 2 });
    expect(limiter.tryAcquire('a', { cost: { requests: 3, tokens: 100 } })).toMatchObject({
      limitName: 'requests',
      retryAfterMs: 1_000,
    });
  });

  it('take a number from each, and 1 from what a record does not name', () => {
    const limiter = llm();
    limiter.tryAcquire('a', { cost: 2 });
    expect(limiter.check('a', { cost: { requests: 1, tokens: 998 } }).allowed).toBe(true);
    expect(limiter.check('a', { cost: { requests: 1, tokens: 999 } }).allowed).toBe(false);
    expect(() => limiter.tryAcquire('a', { cost: { token: 1 } })).toThrow(/names the limit token.*requests, tokens/);
    expect(() => limiter.tryAcquire('a', { cost: { tokens: -1 } })).toThrow(RangeError);
  });

  it('do not forget the hour while the minute has room', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({
      limits: [
        { name: 'minute', limit: 10, periodMs: 60_000, algorithm: slidingLog },
        { name: 'hour', limit: 25, periodMs: 3_600_000, algorithm: slidingLog },
      ],
      clock,
    });
    let admitted = 0;
    for (let minute = 0; minute < 30; minute++) {
      while (limiter.tryAcquire('a').allowed) admitted++;
      await clock.advance(60_000);
    }
    expect(admitted).toBe(25);
    expect(limiter.statistics.refusedBy).toEqual({ minute: 2, hour: 28 });
  });

  it('count by different parts of a key: per client, per endpoint and for all', () => {
    const limiter = rateLimiter({
      limits: [
        { name: 'client', limit: 2, periodMs: 1_000, per: 'client' },
        { name: 'endpoint', limit: 3, periodMs: 1_000, per: ['endpoint'] },
        { name: 'all', limit: 4, periodMs: 1_000, per: [] },
      ],
      clock: new VirtualClock(),
    });
    const ask = (client: string, endpoint: string): string => {
      const { allowed, limitName } = limiter.tryAcquire({ client, endpoint });
      return allowed ? 'ok' : limitName;
    };
    expect([ask('a', '/x'), ask('a', '/x'), ask('a', '/x')]).toEqual(['ok', 'ok', 'client']);
    expect([ask('b', '/x'), ask('b', '/x'), ask('b', '/y'), ask('c', '/y')]).toEqual(['ok', 'endpoint', 'ok', 'all']);
    expect(() => limiter.tryAcquire('a')).toThrow(/per client, and the key of the request has no such part/);
  });

  it('forget a key in those that it has to itself, and keep what it shares with others', () => {
    const limiter = rateLimiter({
      limits: [
        { name: 'own', limit: 5, periodMs: 1_000 },
        { name: 'all', limit: 9, periodMs: 1_000, per: [] },
      ],
      clock: new VirtualClock(),
    });
    limiter.tryAcquire('a', { cost: 5 });
    limiter.reset('a');
    expect(limiter.check('a', { cost: { own: 5, all: 4 } }).allowed).toBe(true);
    expect(limiter.check('a', { cost: { own: 1, all: 5 } })).toMatchObject({ allowed: false, limitName: 'all' });
  });

  it('may be one, whose cost can be told by its name as well', () => {
    const limiter = rateLimiter({ limits: [{ name: 'own', limit: 5, periodMs: 1_000 }], clock: new VirtualClock() });
    expect(limiter.tryAcquire('a', { cost: { own: 3 } })).toMatchObject({ allowed: true, remaining: 2 });
  });

  it('keep keys apart that only look alike', () => {
    const limiter = rateLimiter({
      limits: [{ name: 'both', limit: 1, periodMs: 1_000, per: ['a', 'b'] }],
      clock: new VirtualClock(),
    });
    const ask = (a: string, b: string): boolean => limiter.tryAcquire({ a, b }).allowed;
    expect([ask('x:y', 'z'), ask('x', 'y:z'), ask('x&y', 'z'), ask('x', 'y&z')]).toEqual([true, true, true, true]);
    const whole = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    expect([whole.tryAcquire({ a: '1' }).allowed, whole.tryAcquire('a=1').allowed]).toEqual([true, true]);
  });

  it('are refused with all faults at once when they can not be meant', () => {
    const limits = [
      { name: 'a', limit: 0, periodMs: 1_000 },
      { name: 'b', limit: 1, periodMs: 0 },
      { name: 'ban', limit: 1, periodMs: 1_000 },
    ];
    expect(() => rateLimiter({ limits })).toThrow(/limits\[0\].limit[^]*limits\[1\].periodMs[^]*limits\[2\].name/);
    const twice = { name: 'a', limit: 1, periodMs: 1_000 };
    expect(() => rateLimiter({ limits: [twice, twice] })).toThrow(/a name that no other limit has/);
    expect(() => rateLimiter({ limits: [] })).toThrow(/at least one limit/);
    expect(() => rateLimiter({ limits: [twice], maxQueueCost: { b: 1 } })).toThrow(/maxQueueCost.b/);
    expect(() => rateLimiter({ limits: [twice], maxQueueCost: { a: -1 } })).toThrow(/maxQueueCost.a: .*at least 0/);
    expect(() => rateLimiter({ limits: [{ limit: 1, periodMs: 1_000 }] as never })).toThrow(/limits\[0\].name/);
  });

  it('each keep their promise, for any arrivals and costs', () => {
    const requests = fc.array(
      fc.record({
        stepMs: fc.integer({ min: 0, max: 400 }),
        a: fc.integer({ min: 0, max: 4 }),
        b: fc.integer({ min: 0, max: 9 }),
      }),
      { minLength: 1, maxLength: 120 },
    );
    fc.assert(
      fc.property(requests, (asked) => {
        const clock = steppedClock(1_000);
        const limiter = rateLimiter({
          limits: [
            { name: 'a', limit: 5, periodMs: 1_000, burst: 3 },
            { name: 'b', limit: 20, periodMs: 3_000, algorithm: slidingLog },
          ],
          clock,
        });
        const admitted: { readonly a: Admission[]; readonly b: Admission[] } = { a: [], b: [] };
        for (const { stepMs, a, b } of asked) {
          clock.step(stepMs);
          if (!limiter.tryAcquire('key', { cost: { a, b } }).allowed) continue;
          admitted.a.push({ atMs: clock.now(), cost: a });
          admitted.b.push({ atMs: clock.now(), cost: b });
        }
        expect(mostInAnyWindow(admitted.a, 1_000)).toBeLessThanOrEqual(8);
        expect(mostInAnyWindow(admitted.b, 3_000, false)).toBeLessThanOrEqual(20);
      }),
      propertyRuns(200),
    );
  });
});
