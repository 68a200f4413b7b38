import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { circuitBreaker } from '../../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../../circuit-breaker/trip-rules.ts';
import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { AroundPolicy } from '../../policy/policy.ts';
import { constant } from '../../retry/backoff.ts';
import { retry } from '../../retry/retry.ts';
import { timeout } from '../../timeout/timeout.ts';
import { recordEvents } from '../record-events.ts';
import { countedController } from '../test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../test-support/watched.ts';
import { chaosBehavior } from './behavior.ts';
import { during } from './during.ts';
import { chaosFault } from './fault.ts';
import { chaosLatency } from './latency.ts';
import { chaosDefaults } from './options.ts';
import { chaosOutcome } from './outcome.ts';
import { weighted } from './weighted.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const reset = (): Error => new Error('connection reset');
const always = { injectionRatio: 1 };
const item = (): string => 'item';

/** How many of a thousand calls fail. */
function failuresIn(options: object, seed = 1): number {
  const calls = pipeline({ clock, random: seededRandom(seed) }, chaosFault({ error: reset, ...options } as never));
  return Array.from({ length: 1_000 }, () => calls.tryExecuteSync(item)).filter(({ ok }) => !ok).length;
}

describe('which calls suffer', () => {
  it('is a share of them, the same ones for the same seed', () => {
    const failures = failuresIn({ injectionRatio: 0.2 });
    expect(failures).toBeGreaterThan(150);
    expect(failures).toBeLessThan(250);
    expect(failuresIn({ injectionRatio: 0.2 })).toBe(failures);
    const order = (seed: number): boolean[] => {
      const calls = pipeline({ random: seededRandom(seed) }, chaosFault({ injectionRatio: 0.5, error: reset }));
      return Array.from({ length: 50 }, () => calls.tryExecuteSync(item).ok);
    };
    expect(order(7)).toEqual(order(7));
    expect(order(7)).not.toEqual(order(8));
  });

  it('is none at 0 and all at 1', () => {
    expect([failuresIn({ injectionRatio: 0 }), failuresIn({ injectionRatio: 1 })]).toEqual([0, 1_000]);
  });

  it('may be decided for each call by a function of its context', () => {
    const calls = pipeline(chaosFault({ injectionRatio: ({ key }) => (key === 'unlucky' ? 1 : 0), error: reset }));
    const outcomes = ['lucky', 'unlucky'].map((key) => calls.tryExecuteSync(item, { key }).ok);
    expect(outcomes).toEqual([true, false]);
  });

  it('is none while the switch is off, and draws no random number then', () => {
    const next = vi.fn(() => 0);
    let enabled = false;
    const calls = pipeline({ random: { next } }, chaosFault({ ...always, enabled: () => enabled, error: reset }));
    expect(calls.tryExecuteSync(item).ok).toBe(true);
    expect(next).not.toHaveBeenCalled();
    enabled = true;
    expect(calls.tryExecuteSync(item).ok).toBe(false);
    expect(chaosDefaults.enabled).toBe(true);
    expect(failuresIn({ injectionRatio: 1, enabled: false })).toBe(0);
  });

  it('may be asked of something far away: switch and share can be promises', async () => {
    let share = 0;
    const chaos = chaosFault({ injectionRatio: async () => share, enabled: () => Promise.resolve(true), error: reset });
    const calls = pipeline({ clock }, chaos);
    await expect(calls.execute(item)).resolves.toBe('item');
    share = 1;
    expect(await rejection(calls.execute(item))).toEqual(reset());
  });

  it.each([
    ['a share that is none', { injectionRatio: () => 2 }, 'injectionRatio'],
    ['a share that throws', { injectionRatio: () => Promise.reject(new Error('away')) }, 'injectionRatio'],
    ['a switch that throws', { enabled: reset, injectionRatio: 1 }, 'enabled', true],
    ['a switch that rejects', { enabled: () => Promise.reject(new Error('away')), injectionRatio: 1 }, 'enabled'],
  ])('is none by %s, which is told', async (_title, options, hook, throws = false) => {
    const enabled = (options as { enabled?: () => Error }).enabled;
    const given = throws
      ? {
          ...options,
          enabled: () => {
            throw enabled!();
          },
        }
      : options;
    const calls = pipeline({ clock }, chaosFault({ error: reset, ...given } as never));
    const events = recordEvents(calls);
    await expect(calls.execute(item)).resolves.toBe('item');
    expect(events.of('hook-failed')).toMatchObject([{ hook, policy: 'chaos-fault' }]);
  });

  it('is not decided any more once the call was aborted', async () => {
    const answer = deferred<boolean>();
    const calls = pipeline({ clock }, chaosFault({ ...always, enabled: () => answer.promise, error: reset }));
    const events = recordEvents(calls);
    const controller = new AbortController();
    const call = watched(calls.execute(item, { signal: controller.signal }));
    controller.abort('left');
    answer.resolve(true);
    await microtasks();
    expect(call.error).toBe('left');
    expect(events.types).toEqual(['call-ended']);
  });

  it('can be a span of time', async () => {
    await clock.advance(1_000);
    const enabled = during(clock, { fromMs: 5, toMs: 8 }, { fromMs: 20, toMs: 21 });
    const calls = pipeline({ clock }, chaosFault({ ...always, enabled, error: reset }));
    const failed: number[] = [];
    for (let ms = 0; ms < 30; ms++) {
      if (!calls.tryExecuteSync(item).ok) failed.push(ms);
      await clock.advance(1);
    }
    expect(failed).toEqual([5, 6, 7, 20]);
  });
});

describe('an injected fault', () => {
  it('stands in for a run of the function: it is retried, counted as an attempt, and opens a breaker outside', async () => {
    const breaker = circuitBreaker({ trip: consecutive(3) });
    const chaos = chaosFault({ ...always, error: reset });
    const calls = pipeline({ clock }, retry({ backoff: constant(0) }), breaker, chaos);
    const fn = vi.fn(item);
    expect(await calls.tryExecute(fn)).toMatchObject({ ok: false, attempts: 3, error: reset() });
    expect(fn).not.toHaveBeenCalled();
    expect([breaker.state, breaker.lastError]).toEqual(['open', reset()]);
  });

  it('is told as an event with the error', () => {
    const calls = pipeline({ clock, name: 'stock' }, chaosFault({ ...always, error: reset }));
    const events = recordEvents(calls);
    calls.tryExecuteSync(item, { key: 'k' });
    expect(events.of('chaos-injected')).toMatchObject([
      {
        chaos: 'fault',
        outcome: 'failure',
        error: reset(),
        policy: 'chaos-fault',
        pipeline: 'stock',
        key: 'k',
        attempt: 1,
      },
    ]);
  });

  it('is the given error itself, or what a function makes or throws', () => {
    const error = new RangeError('same');
    const thrown = (): never => {
      throw error;
    };
    const given = [error, () => error, thrown];
    expect(given.map((each) => pipeline(chaosFault({ ...always, error: each })).tryExecuteSync(item))).toEqual(
      given.map(() => ({ ok: false, error, attempts: 1 })),
    );
  });

  it('has its number where runs are started beside each other', async () => {
    const both: AroundPolicy = { kind: 'both', around: (_context, next) => Promise.allSettled([next(), next()]) };
    const calls = pipeline(
      { clock },
      both,
      chaosFault({ ...always, error: ({ attempt }: { attempt: number }) => attempt }),
    );
    const events = recordEvents(calls);
    expect(await calls.execute(item)).toMatchObject([{ reason: 1 }, { reason: 2 }]);
    expect(events.of('chaos-injected').map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('can be one of several, as often as their weights say', () => {
    const error = weighted([
      { weight: 3, make: () => 'reset' },
      { weight: 1, make: (_context, random) => `status ${random.next() < 2 ? 503 : 0}` },
    ]);
    const calls = pipeline({ random: seededRandom(3) }, chaosFault({ ...always, error }));
    const seen = Array.from({ length: 1_000 }, () => calls.tryExecuteSync(item)).map((outcome) =>
      outcome.ok ? '' : (outcome.error as string),
    );
    expect(new Set(seen)).toEqual(new Set(['reset', 'status 503']));
    expect(seen.filter((each) => each === 'reset').length / 1_000).toBeCloseTo(0.75, 1);
  });
});

describe('choices by weight', () => {
  it('are refused when there are none, or a weight is none', () => {
    expect(() => weighted([])).toThrow(/weighted: expected at least one choice/);
    const make = (): number => 1;
    expect(() =>
      weighted([
        { weight: 0, make },
        { weight: 1, make },
        { weight: Number.NaN, make },
      ]),
    ).toThrow(/weighted\[0\].*\n.*weighted\[2\]/);
  });

  it('take the last one for what rounding leaves', () => {
    const choose = weighted([
      { weight: 0.1, make: () => 'a' },
      { weight: 0.2, make: () => 'b' },
    ]);
    expect(choose({} as never, { next: () => 1 })).toBe('b');
  });
});

describe('an injected outcome', () => {
  it('is the answer of an upstream that is up and wrong, and part of the type', async () => {
    const calls = pipeline({ clock }, chaosOutcome({ ...always, value: null }));
    const fn = vi.fn(item);
    expectTypeOf(calls.execute(fn)).toEqualTypeOf<Promise<string | null>>();
    expect(await calls.tryExecute(fn)).toEqual({ ok: true, value: null, attempts: 1 });
    expect(fn).not.toHaveBeenCalled();
  });

  it('may be undefined, or be made for each call', () => {
    const outcomes = [
      pipeline(chaosOutcome({ ...always, value: undefined })).tryExecuteSync(item),
      pipeline(chaosOutcome({ ...always, value: ({ key }) => `stale ${key}` })).tryExecuteSync(item, { key: 'a' }),
    ];
    expect(outcomes).toMatchObject([{ ok: true, value: undefined }, { value: 'stale a' }]);
  });

  it('that can’t be made fails the call, and both are told', () => {
    const made = vi.fn(() => 'wrong');
    const calls = pipeline(retry({ backoff: constant(0), maxAttempts: 2 }), chaosOutcome({ ...always, value: made }));
    made.mockImplementationOnce(() => {
      throw reset();
    });
    const events = recordEvents(calls);
    expect(calls.executeSync(item)).toBe('wrong');
    expect(events.of('chaos-injected')).toMatchObject([
      { chaos: 'outcome', outcome: 'failure', error: reset() },
      { chaos: 'outcome', outcome: 'success' },
    ]);
  });
});

describe('an injected latency', () => {
  it('holds the call up and then runs the function, as one attempt', async () => {
    const calls = pipeline({ clock }, chaosLatency({ ...always, latencyMs: 300 }));
    const events = recordEvents(calls);
    const numbers: number[] = [];
    const call = watched(calls.tryExecute(({ attempt }) => numbers.push(attempt)));
    await clock.advance(299);
    expect([call.state, numbers]).toEqual(['pending', []]);
    await clock.advance(1);
    expect([call.value, numbers]).toEqual([{ ok: true, value: 1, attempts: 1 }, [1]]);
    expect(events.of('chaos-injected')).toMatchObject([{ chaos: 'latency', latencyMs: 300, outcome: undefined }]);
    expect(events.last('call-ended')).toMatchObject({ durationMs: 300 });
  });

  it('is injected just as well where the switch is a promise', async () => {
    const calls = pipeline({ clock }, chaosLatency({ ...always, enabled: async () => true, latencyMs: 50 }));
    const call = watched(calls.tryExecute(item));
    await clock.advance(49);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toEqual({ ok: true, value: 'item', attempts: 1 });
  });

  it('that a timeout outside ends counts as the upstream’s slowness, and leaves no timer', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline(
      { clock },
      breaker,
      timeout({ timeoutMs: 100 }),
      chaosLatency({ ...always, latencyMs: 300 }),
    );
    const fn = vi.fn(item);
    const call = watched(calls.tryExecute(fn));
    await clock.advance(100);
    expect(call.value).toMatchObject({ ok: false, error: { code: 'TIMEOUT' }, attempts: 1 });
    expect([breaker.state, clock.pendingTimers]).toEqual(['open', 0]);
    await clock.advance(1_000);
    expect(fn).not.toHaveBeenCalled();
  });

  it('may last for ever: the call hangs until something ends it', async () => {
    const calls = pipeline({ clock }, chaosLatency({ ...always, latencyMs: Infinity }));
    const counted = countedController();
    const call = watched(calls.execute(item, { signal: counted.signal }));
    await clock.advance(86_400_000);
    expect([call.state, clock.pendingTimers]).toEqual(['pending', 0]);
    counted.controller.abort('left');
    await microtasks();
    expect([call.error, counted.listening]).toEqual(['left', 0]);
  });

  it('may be drawn for each call; nothing of 0 ms is injected', async () => {
    const latencyMs = (_context: unknown, random: { next(): number }): number => Math.floor(random.next() * 2) * 50;
    const calls = pipeline({ clock, random: seededRandom(1) }, chaosLatency({ ...always, latencyMs }));
    const events = recordEvents(calls);
    const ends = Array.from({ length: 50 }, () => watched(calls.execute(item)));
    await microtasks();
    const atOnce = ends.filter(({ state }) => state === 'fulfilled').length;
    expect(atOnce).toBeGreaterThan(10);
    expect(events.of('chaos-injected')).toHaveLength(50 - atOnce);
    await clock.advance(50);
    expect(ends.every(({ state }) => state === 'fulfilled')).toBe(true);
  });

  it.each([
    ['is none', () => Number.NaN],
    [
      'can’t be had',
      () => {
        throw reset();
      },
    ],
  ])('that %s holds nothing up and is told', async (_title, latencyMs) => {
    const calls = pipeline({ clock }, chaosLatency({ ...always, latencyMs }));
    const events = recordEvents(calls);
    await expect(calls.execute(item)).resolves.toBe('item');
    expect(events.of('hook-failed')).toMatchObject([{ hook: 'latencyMs' }]);
  });

  it('keeps a pipeline from synchronous calls', () => {
    const calls = pipeline(chaosLatency({ ...always, latencyMs: 1 }));
    expect(() => calls.executeSync(item)).toThrow(/chaos-latency/);
  });
});

describe('an injected behavior', () => {
  it('happens before the function, which then runs', async () => {
    const seen: string[] = [];
    const run = ({ key }: { key: string | undefined }): void => void seen.push(`cut ${key}`);
    const calls = pipeline({ clock }, chaosBehavior({ ...always, run }));
    const events = recordEvents(calls);
    await calls.execute(() => seen.push('function'), { key: 'a' });
    expect(seen).toEqual(['cut a', 'function']);
    expect(events.of('chaos-injected')).toMatchObject([{ chaos: 'behavior', outcome: undefined }]);
  });

  it('is waited for where it is asynchronous', async () => {
    const done = deferred<void>();
    const calls = pipeline({ clock }, chaosBehavior({ ...always, run: () => done.promise }));
    const fn = vi.fn(item);
    const call = watched(calls.execute(fn));
    await microtasks();
    expect(fn).not.toHaveBeenCalled();
    done.resolve();
    await microtasks();
    expect(call.value).toBe('item');
  });

  it.each([
    [
      'throws',
      () => {
        throw reset();
      },
    ],
    ['rejects', () => Promise.reject(reset())],
  ])('that %s fails the call as the upstream would', async (_title, run) => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline({ clock }, breaker, chaosBehavior({ ...always, run }));
    const fn = vi.fn(item);
    expect(await calls.tryExecute(fn)).toMatchObject({ ok: false, error: reset(), attempts: 1 });
    expect(fn).not.toHaveBeenCalled();
    expect(breaker.state).toBe('open');
  });

  it('is aborted with its call, and what still comes of it changes nothing', async () => {
    const done = deferred<void>();
    const signals: AbortSignal[] = [];
    const run = ({ signal }: { signal: AbortSignal }): Promise<void> => {
      signals.push(signal);
      return done.promise;
    };
    const calls = pipeline({ clock }, timeout({ timeoutMs: 10 }), chaosBehavior({ ...always, run }));
    const fn = vi.fn(item);
    const call = watched(calls.execute(fn));
    await clock.advance(10);
    expect([call.state, signals[0]!.aborted]).toEqual(['rejected', true]);
    done.reject(new Error('late'));
    await microtasks();
    expect(fn).not.toHaveBeenCalled();
  });
});

describe('chaos policies', () => {
  it('refuse what can’t be meant, with everything that is missing', () => {
    expect(() => chaosFault({ injectionRatio: 1.5 } as never)).toThrow(/injectionRatio.*\n.*chaosFault.error/);
    expect(() => chaosLatency({ ...always, latencyMs: -1 })).toThrow(/chaosLatency.latencyMs/);
    expect(() => chaosLatency({ latencyMs: 1 } as never)).toThrow(/injectionRatio/);
    expect(() => chaosOutcome({ ...always, value: 1, enabled: 'yes' as never })).toThrow(/chaosOutcome.enabled/);
    expect(() => chaosBehavior({ ...always, run: 5 as never })).toThrow(/chaosBehavior.run/);
  });

  it('can stand in one row, each with a name of its own', async () => {
    const calls = pipeline(
      { clock },
      chaosLatency({ ...always, latencyMs: 10, name: 'slow' }),
      chaosFault({ ...always, error: reset, name: 'broken' }),
    );
    const events = recordEvents(calls);
    expect(await clock.settle(calls.tryExecute(item))).toMatchObject({ ok: false, attempts: 1 });
    expect(events.of('chaos-injected').map(({ policy }) => policy)).toEqual(['slow', 'broken']);
  });
});
