/** What docs/coming-from/polly.md promises, in virtual time. */
import {
  bulkhead,
  circuitBreaker,
  circuitControl,
  consecutive,
  constant,
  decorrelatedV2,
  exponential,
  exponentialBreak,
  fallback,
  generated,
  hedge,
  linear,
  pipeline,
  ratio,
  retry,
  timeout,
} from 'breakwater';
import { severityOf } from 'breakwater/events';
import { rateLimit, rateLimiter } from 'breakwater/rate-limit';
import {
  chaosBehavior,
  chaosFault,
  chaosLatency,
  chaosOutcome,
  recordEvents,
  seededRandom,
  VirtualClock,
  weighted,
} from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = (): Promise<never> => Promise.reject(new Error('down'));
const never = (): Promise<string> => new Promise(() => undefined);
const item = async (): Promise<string> => 'item';

describe('retry', () => {
  const delays = async (options: Parameters<typeof retry>[0], random = seededRandom(1)): Promise<number[]> => {
    const calls = pipeline({ clock, random }, retry({ maxAttempts: 4, jitter: 'none', ...options }));
    const events = recordEvents(calls);
    await clock.settle(calls.tryExecute(down));
    return events.of('retry').map(({ delayMs }) => delayMs);
  };

  it('Constant, Linear and Exponential with MaxDelay', async () => {
    expect(await delays({ backoff: constant(2_000) })).toEqual([2_000, 2_000, 2_000]);
    expect(await delays({ backoff: linear({ initialMs: 2_000 }) })).toEqual([2_000, 4_000, 6_000]);
    expect(await delays({ backoff: exponential({ initialMs: 2_000, maxMs: 5_000 }) })).toEqual([2_000, 4_000, 5_000]);
  });

  it('Exponential with UseJitter is decorrelatedV2, by the same formula', async () => {
    const middle = { next: () => 0.5 };
    const drawn = await delays(
      { maxAttempts: 7, backoff: decorrelatedV2({ initialMs: 1_000, maxMs: 60_000 }) },
      middle,
    );
    const published = [897.405, 1_093.004, 2_035.748, 4_045.979, 8_083.632, 16_163.663];
    for (const [index, delayMs] of drawn.entries()) expect(delayMs).toBeCloseTo(published[index]!, 2);
  });

  it('UseJitter with the others is ratio(0.25), which only shortens', async () => {
    for (const delayMs of await delays({ maxAttempts: 200, backoff: constant(1_000), jitter: ratio(0.25) })) {
      expect(delayMs).toBeLessThanOrEqual(1_000);
      expect(delayMs).toBeGreaterThan(750);
    }
  });

  it('DelayGenerator is generated: async, and undefined leaves a delay to the backoff; but the cap holds', async () => {
    const backoff = generated(async ({ attempt }) => (attempt === 2 ? undefined : 90_000), {
      maxMs: 30_000,
      otherwise: constant(5),
    });
    expect(await delays({ backoff })).toEqual([30_000, 5, 30_000]);
  });

  it('MaxRetryAttempts = 3 is maxAttempts: 4, ShouldHandle is retryIf and retryResultIf', async () => {
    const fn = vi.fn(async ({ attempt }: { attempt: number }) => {
      if (attempt === 1) throw new TypeError('network');
      return attempt < 4 ? 503 : 200;
    });
    const retryIf = (error: unknown): boolean => error instanceof TypeError;
    const calls = pipeline({ clock }, retry({ maxAttempts: 4, retryIf, retryResultIf: (status) => status === 503 }));
    await expect(clock.settle(calls.execute(fn))).resolves.toBe(200);
    expect(fn).toHaveBeenCalledTimes(4);
  });
});

describe('circuit breaker', () => {
  it('FailureRatio, MinimumThroughput, SamplingDuration and BreakDuration', async () => {
    const breaker = circuitBreaker({ failureRatio: 0.1, minThroughput: 20, samplingMs: 30_000, breakMs: 5_000 });
    const calls = pipeline({ clock }, breaker);
    for (let n = 0; n < 18; n++) await calls.tryExecute(item);
    await calls.tryExecute(down);
    expect(breaker.state).toBe('closed');
    await calls.tryExecute(down);
    expect(await rejection(calls.execute(item))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 5_000 });
    await clock.advance(5_000);
    await calls.execute(item);
    expect(breaker.history.map(({ to, reason }) => `${to}: ${reason}`)).toEqual([
      'open: failures',
      'half-open: break over',
      'closed: probes succeeded',
    ]);
  });

  it('BreakDurationGenerator is breakMs as a function of the same facts', async () => {
    const facts: unknown[] = [];
    const breakMs = (given: { failureCount: number }): number => {
      facts.push(given);
      return given.failureCount * 60_000;
    };
    const breaker = circuitBreaker({ failureRatio: 0.5, minThroughput: 2, breakMs });
    const calls = pipeline({ clock }, breaker);
    await calls.tryExecute(item);
    await calls.tryExecute(down);
    expect(facts).toMatchObject([
      { failureRatio: 0.5, failureCount: 1, halfOpenAttempts: 0, error: new Error('down') },
    ]);
    expect(breaker.retryAfterMs).toBe(60_000);
    expect(exponentialBreak()({ failureRatio: 1, failureCount: 1, halfOpenAttempts: 2, error: undefined })).toBe(
      67_500,
    );
  });

  it('CircuitBreakerManualControl is the breaker itself, or one control for many', async () => {
    const control = circuitControl();
    const [orders, stock] = [control.add(circuitBreaker()), control.add(circuitBreaker())];
    const calls = pipeline({ clock }, orders);
    const release = control.isolate('maintenance');
    expect(await rejection(calls.execute(item))).toMatchObject({ code: 'CIRCUIT_ISOLATED' });
    expect(stock.state).toBe('isolated');
    release();
    await expect(calls.execute(item)).resolves.toBe('item');
  });
});

describe('timeout, limiters and fallback', () => {
  it('TimeoutGenerator is a function of the context, and a caller’s own abort is no timeout', async () => {
    const calls = pipeline({ clock }, timeout({ timeoutMs: ({ key }) => (key === 'report' ? 60_000 : 1_000) }));
    const controller = new AbortController();
    const ends = [watched(calls.execute(never)), watched(calls.execute(never, { key: 'report' }))];
    const aborted = watched(calls.execute(never, { signal: controller.signal }));
    controller.abort('left');
    await clock.advance(1_000);
    expect([ends[0]!.error, ends[1]!.state, aborted.error]).toMatchObject([{ code: 'TIMEOUT' }, 'pending', 'left']);
  });

  it('AddConcurrencyLimiter(1, 1) is a bulkhead, AddRateLimiter a rate limit', async () => {
    const limited = pipeline({ clock }, bulkhead({ maxConcurrent: 1, maxQueue: 1 }));
    watched(limited.execute(never));
    watched(limited.execute(never));
    expect(await rejection(limited.execute(item))).toMatchObject({ code: 'BULKHEAD_FULL' });
    const limiter = rateLimiter({ limit: 1, periodMs: 60_000 });
    const paced = pipeline({ clock }, rateLimit(limiter, { maxWaitMs: 0 }));
    await paced.execute(item);
    expect(await rejection(paced.execute(item))).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 60_000 });
  });

  it('FallbackAction sees the error, and OnFallback is an event', async () => {
    const calls = pipeline({ clock }, fallback({ run: (error) => (error as Error).message }));
    const events = recordEvents(calls);
    await expect(calls.execute(down)).resolves.toBe('down');
    expect(events.last('fallback')).toMatchObject({ outcome: 'success', error: new Error('down') });
  });
});

describe('hedging', () => {
  it('latency mode: another attempt after Delay, the first answer counts, the loser is aborted', async () => {
    const signals: AbortSignal[] = [];
    const calls = pipeline({ clock }, hedge({ delayMs: 2_000, maxAttempts: 2 }));
    const call = watched(
      calls.execute(({ attempt, signal }) => {
        signals.push(signal);
        return attempt === 1 ? never() : Promise.resolve(`from ${attempt}`);
      }),
    );
    await clock.advance(1_999);
    expect(signals).toHaveLength(1);
    await clock.advance(1);
    expect([call.value, signals[0]!.aborted]).toEqual(['from 2', true]);
  });

  it('fallback mode is on-failure, one at a time; parallel mode is 0, all at once', async () => {
    const begun: number[] = [];
    const fn = ({ attempt }: { attempt: number }): Promise<string> => {
      begun.push(attempt);
      return attempt < 3 ? Promise.reject(new Error(`failure ${attempt}`)) : never();
    };
    watched(pipeline({ clock }, hedge({ delayMs: 'on-failure', maxAttempts: 3 })).execute(fn));
    await clock.advance(0);
    expect(begun).toEqual([1, 2, 3]);
    begun.length = 0;
    const slow = ({ attempt }: { attempt: number }): Promise<string> => {
      begun.push(attempt);
      return never();
    };
    watched(pipeline({ clock }, hedge({ delayMs: 0, maxAttempts: 3 })).execute(slow));
    expect(begun).toEqual([1, 2, 3]);
  });

  it('when all fail, the first error is the call’s', async () => {
    const fn = ({ attempt }: { attempt: number }): Promise<string> => Promise.reject(new Error(`failure ${attempt}`));
    const calls = pipeline({ clock }, hedge({ delayMs: 'on-failure', maxAttempts: 3 }));
    expect(await rejection(calls.execute(fn))).toEqual(new Error('failure 1'));
  });
});

describe('executing', () => {
  it('ExecuteOutcomeAsync is tryExecute, and the synchronous Execute is executeSync', async () => {
    const calls = pipeline({ clock }, retry({ backoff: constant(0), maxAttempts: 2 }), circuitBreaker());
    expect(await calls.tryExecute(down)).toEqual({ ok: false, error: new Error('down'), attempts: 2 });
    expect(calls.executeSync(() => 'item')).toBe('item');
    const waiting = pipeline({ clock }, retry());
    expect(() => waiting.executeSync(() => 'item')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });

  it('telemetry is one listener: the attempts and the call, with durations and severities', async () => {
    const calls = pipeline({ clock, name: 'stock' }, retry({ backoff: constant(10), jitter: 'none', maxAttempts: 2 }));
    const told: unknown[] = [];
    calls.on('*', (event) => told.push([event.type, severityOf(event), event.attempt, event.durationMs]));
    await clock.settle(calls.tryExecute(down, { key: 'k' }));
    expect(told).toEqual([
      ['attempt-ended', 'warn', 1, 0],
      ['retry', 'warn', 1, undefined],
      ['attempt-ended', 'warn', 2, 0],
      ['retry-given-up', 'error', 2, undefined],
      ['call-ended', 'error', 2, 10],
    ]);
  });
});

describe('chaos', () => {
  it('fault, latency, outcome and behavior, innermost: breaker and retry see an upstream that misbehaves', async () => {
    const breaker = circuitBreaker({ trip: consecutive(2) });
    const error = weighted([{ weight: 1, make: () => new Error('injected') }]);
    const faulty = pipeline({ clock }, breaker, chaosFault({ injectionRatio: 1, error }));
    expect(await rejection(faulty.execute(item))).toEqual(new Error('injected'));
    await faulty.tryExecute(item);
    expect(breaker.state).toBe('open');

    const slow = pipeline(
      { clock },
      timeout({ timeoutMs: 100 }),
      chaosLatency({ injectionRatio: 1, latencyMs: 60_000 }),
    );
    expect(await rejection(clock.settle(slow.execute(item)))).toMatchObject({ code: 'TIMEOUT' });

    await expect(pipeline(chaosOutcome({ injectionRatio: 1, value: 503 })).execute(async () => 200)).resolves.toBe(503);
    const run = vi.fn();
    await pipeline(chaosBehavior({ injectionRatio: 1, run })).execute(item);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('InjectionRate is a share of the calls, and EnabledGenerator decides for each, also from afar', async () => {
    const chaos = chaosFault({
      injectionRatio: async () => 0.3,
      enabled: ({ key }) => key === 'tester',
      error: () => new Error('injected'),
    });
    const calls = pipeline({ clock, random: seededRandom(5) }, chaos);
    let failed = 0;
    for (let n = 0; n < 300; n++) if (!(await calls.tryExecute(item, { key: 'tester' })).ok) failed++;
    expect(failed).toBeGreaterThan(60);
    expect(failed).toBeLessThan(120);
    for (let n = 0; n < 50; n++) expect((await calls.tryExecute(item, { key: 'user' })).ok).toBe(true);
  });
});
