import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { adaptive } from './adaptive.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { sampledRatio, slowCalls } from './sampled-rules.ts';
import type { CircuitSnapshot } from './snapshot.ts';
import { fail, guarded as guardedOn, succeed, take, up } from './test-support/guarded.ts';
import type { TripRule } from './trip-rule.ts';
import { consecutive, count } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const guarded = (options: CircuitBreakerOptions = {}) => guardedOn(clock, options);
const snapshotOf = (breaker: object): CircuitSnapshot => JSON.parse(JSON.stringify(breaker)) as CircuitSnapshot;

/** A breaker in another process, whose monotonic clock began elsewhere, and whose wall clock is later by so much. */
function elsewhere(snapshot: CircuitSnapshot, laterMs: number, options: CircuitBreakerOptions = {}) {
  clock = new VirtualClock({ startMs: 77_000, wallTimeMs: clock.wallTime() + laterMs });
  const other = guarded(options);
  other.breaker.hydrate(snapshot);
  return other;
}

describe('an open breaker that was hydrated', () => {
  it('waits what is left of its break, and not all of it', async () => {
    const { breaker, calls } = guarded();
    await fail(calls);
    await clock.advance(300);
    const other = elsewhere(snapshotOf(breaker), 200);
    expect(other.breaker).toMatchObject({ state: 'open', timeInStateMs: 500, retryAfterMs: 500 });
    expect(other.breaker.openedAt).toBe(breaker.openedAt);
    await clock.advance(499);
    expect(await rejection(other.calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 1 });
    await clock.advance(1);
    await expect(other.calls.execute(up)).resolves.toBe('item');
    expect(other.breaker.state).toBe('closed');
  });

  it('waits no longer when its break has ended meanwhile', async () => {
    const { breaker } = guarded();
    breaker.forceOpen();
    const other = elsewhere(snapshotOf(breaker), 86_400_000);
    expect([other.breaker.state, other.breaker.retryAfterMs]).toEqual(['open', 0]);
    await expect(other.calls.execute(up)).resolves.toBe('item');
  });

  it('waits no longer than the other would have, also where the wall clock has gone back', async () => {
    const { breaker, calls } = guarded();
    await fail(calls);
    await clock.advance(400);
    const other = elsewhere(snapshotOf(breaker), -3_600_000);
    expect(other.breaker).toMatchObject({ timeInStateMs: 400, retryAfterMs: 600 });
  });

  it('goes on with the length of its breaks where the other was', async () => {
    const breakMs = ({ halfOpenAttempts }: { halfOpenAttempts: number }) => 100 * (halfOpenAttempts + 1);
    const { breaker, calls } = guarded({ breakMs });
    await fail(calls);
    await clock.advance(100);
    await fail(calls);
    const other = elsewhere(snapshotOf(breaker), 200, { breakMs });
    await fail(other.calls);
    expect(other.breaker.retryAfterMs).toBe(300);
  });

  it('waits what is left by the clock of its first pipeline, where it is hydrated before it meets it', async () => {
    const { breaker } = guarded();
    breaker.forceOpen();
    const snapshot = snapshotOf(breaker);
    for (const [touch, leftMs] of [
      [() => undefined, 800],
      [(other: typeof breaker) => other.forceOpen(), 1_000],
    ] as const) {
      const other = circuitBreaker({ breakMs: 1_000 });
      other.hydrate(snapshot);
      touch(other);
      pipeline({ clock: new VirtualClock({ wallTimeMs: clock.wallTime() + 200 }) }, other);
      expect([other.state, other.retryAfterMs]).toEqual(['open', leftMs]);
    }
  });

  it('begins its state once, when it is hydrated, however many pipelines it is put into afterwards', async () => {
    const { breaker } = guarded();
    breaker.forceOpen();
    const other = circuitBreaker();
    other.hydrate(snapshotOf(breaker));
    pipeline({ clock }, other);
    await clock.advance(300);
    pipeline({ clock }, other);
    expect([other.timeInStateMs, other.retryAfterMs]).toEqual([300, 700]);
  });
});

describe('a closed breaker that is hydrated before its first pipeline', () => {
  it('goes on by the clock of that, and counts the calls that come', async () => {
    const options = { trip: sampledRatio({ minThroughput: 3 }) };
    const { breaker, calls } = guarded(options);
    await fail(calls, 2);
    const other = circuitBreaker(options);
    other.hydrate(snapshotOf(breaker));
    const later = new VirtualClock({ startMs: 9e9, wallTimeMs: clock.wallTime() + 3_000 });
    const pipelined = pipeline({ clock: later }, other);
    expect([other.throughput, other.timeInStateMs]).toEqual([2, 3_000]);
    await fail(pipelined);
    expect(other.state).toBe('open');
  });
});

describe('a hydrated breaker', () => {
  it('is half-open where the other was, with all its probes still to make', async () => {
    const { breaker, calls } = guarded({ probes: 2 });
    breaker.forceHalfOpen();
    await succeed(calls);
    await clock.advance(50);
    const other = elsewhere(snapshotOf(breaker), 0, { probes: 2 });
    expect([other.breaker.state, other.breaker.timeInStateMs]).toEqual(['half-open', 50]);
    await succeed(other.calls);
    expect(other.breaker.state).toBe('half-open');
    await succeed(other.calls);
    expect(other.breaker.state).toBe('closed');
  });

  it('is isolated for the same reasons until somebody resets it', async () => {
    const { breaker } = guarded();
    breaker.isolate('maintenance');
    breaker.isolate('audit');
    const other = elsewhere(snapshotOf(breaker), 0);
    expect(await rejection(other.calls.execute(up))).toMatchObject({ details: { reasons: ['maintenance', 'audit'] } });
    other.breaker.isolate('mine')();
    expect(other.breaker.state).toBe('isolated');
    other.breaker.reset();
    expect(other.breaker.state).toBe('closed');
  });

  it('goes on with its ramp', async () => {
    const options = { rampMs: 3_000, random: { next: () => 0.2 } };
    const { breaker } = guarded(options);
    breaker.isolate()();
    await clock.advance(900);
    const other = elsewhere(snapshotOf(breaker), 0, options);
    expect(await rejection(other.calls.execute(up))).toMatchObject({ retryAfterMs: 100 });
    await clock.advance(100);
    await expect(other.calls.execute(up)).resolves.toBe('item');
  });

  it('has no ramp where the other says nothing of one', async () => {
    const { breaker } = guarded();
    const { ramping: _, ...snapshot } = snapshotOf(breaker);
    const other = elsewhere(snapshot, 0, { rampMs: 3_000, random: { next: () => 0.99 } });
    await expect(other.calls.execute(up)).resolves.toBe('item');
  });

  it('makes the outcomes of calls that began before stale', async () => {
    const { breaker, calls } = guarded();
    const late = deferred();
    watched(calls.execute(() => late.promise));
    breaker.hydrate(snapshotOf(breaker));
    late.reject(new Error('late'));
    await microtasks();
    expect([breaker.state, breaker.history.map(({ reason }) => reason)]).toEqual(['closed', ['hydrated']]);
  });

  it('has forgotten what it knew itself', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(3) });
    const fresh = snapshotOf(breaker);
    await fail(calls, 2);
    breaker.hydrate({ ...fresh, window: undefined });
    expect(breaker.throughput).toBe(0);
    await fail(calls, 2);
    breaker.forceOpen();
    breaker.hydrate(fresh);
    expect([breaker.state, breaker.throughput, breaker.openedAt]).toEqual(['closed', 0, undefined]);
    await fail(calls, 2);
    expect(breaker.state).toBe('closed');
  });
});

describe('the window of a closed breaker that was hydrated', () => {
  it.each([
    ['consecutive failures', consecutive(3)],
    ['a count', count(4, { failures: 3 })],
    ['a ratio in time', sampledRatio({ failureRatio: 0.5, minThroughput: 3 })],
    ['several rules', [count(9, { failures: 9 }), consecutive(3)]],
  ] as const)('goes on with %s, so that failures in short-lived processes add up', async (_what, trip) => {
    const options = { trip: trip as TripRule };
    let { breaker, calls } = guarded(options);
    for (let process = 1; process <= 3; process++) {
      ({ breaker, calls } = elsewhere(snapshotOf(breaker), 100, options));
      expect([breaker.state, breaker.throughput]).toEqual(['closed', process - 1]);
      await fail(calls);
    }
    expect(breaker.state).toBe('open');
  });

  it('goes on with the slow calls', async () => {
    const options = { trip: slowCalls({ slowCallMs: 50, slowCallRatio: 0.6, minThroughput: 3 }) };
    const { breaker, calls } = guarded(options);
    await take(clock, calls, 50);
    await take(clock, calls, 10);
    const other = elsewhere(snapshotOf(breaker), 100, options);
    expect([other.breaker.throughput, other.breaker.slowCallRatio]).toEqual([2, 0.5]);
    await take(clock, other.calls, 50);
    expect(other.breaker.state).toBe('open');
    const late = elsewhere(snapshotOf(breaker), 5_000, options);
    expect(late.breaker.slowCallRatio).toBe(0.5);
    await clock.advance(5_000);
    await take(clock, late.calls, 10);
    expect([late.breaker.throughput, late.breaker.slowCallRatio]).toEqual([1, 0]);
  });

  it('goes on with the last calls of a full ring in their order', async () => {
    const options = { trip: count(3, { failures: 2 }) };
    const { breaker, calls } = guarded(options);
    await succeed(calls, 2);
    await fail(calls);
    await succeed(calls);
    const other = elsewhere(snapshotOf(breaker), 0, options);
    expect([other.breaker.throughput, other.breaker.failureRatio]).toEqual([3, 1 / 3]);
    await succeed(other.calls);
    expect(other.breaker.failureRatio).toBe(1 / 3);
    await succeed(other.calls);
    expect(other.breaker.failureRatio).toBe(0);
  });

  it('has lost by then what is too old by then', async () => {
    const options = { trip: sampledRatio({ minThroughput: 3 }) };
    const { breaker, calls } = guarded(options);
    await fail(calls);
    await clock.advance(5_000);
    await fail(calls);
    const snapshot = snapshotOf(breaker);
    expect(elsewhere(snapshot, 4_000, options).breaker.throughput).toBe(2);
    expect(elsewhere(snapshot, 2_000, options).breaker.throughput).toBe(1);
    expect(elsewhere(snapshot, 6_000, options).breaker.throughput).toBe(0);
  });

  it('is empty where another rule had counted, or a window of another size', async () => {
    const { breaker, calls } = guarded({ trip: consecutive(5) });
    await fail(calls, 2);
    const snapshot = snapshotOf(breaker);
    expect(elsewhere(snapshot, 0, { trip: count(5, { failures: 5 }) }).breaker.throughput).toBe(0);
    expect(elsewhere({ ...snapshot, window: undefined }, 0, { trip: consecutive(5) }).breaker.throughput).toBe(0);
    for (const trip of [sampledRatio(), slowCalls({ slowCallMs: 1 }), adaptive()]) {
      const window = { rule: trip.kind, counts: [1, 2, 3] };
      expect(elsewhere({ ...snapshot, window }, 0, { trip }).breaker.throughput).toBe(0);
    }
    const nothing = { ...snapshot, window: { rule: 'consecutive', counts: [] } };
    expect(elsewhere(nothing, 0, { trip: consecutive(5) }).breaker.throughput).toBe(0);
  });

  it('holds at most what it can, whatever the other held', async () => {
    const { breaker, calls } = guarded({ trip: count(9, { failures: 9 }) });
    await fail(calls, 4);
    await succeed(calls, 2);
    const other = elsewhere(snapshotOf(breaker), 0, { trip: count(3, { failures: 3 }) });
    expect([other.breaker.throughput, other.breaker.failureRatio]).toEqual([3, 1 / 3]);
  });

  it('is left out by a rule of one’s own that saves nothing, alone or among others', async () => {
    const silent: TripRule = {
      kind: 'silent',
      timed: false,
      createWindow: () => ({
        record: () => undefined,
        failures: () => 0,
        throughput: () => 0,
        clear: () => undefined,
      }),
    };
    const alone = guarded({ trip: silent });
    expect(snapshotOf(alone.breaker).window).toBeUndefined();
    const window = { rule: 'silent', counts: [1] };
    expect(() => alone.breaker.hydrate({ ...snapshotOf(alone.breaker), window })).not.toThrow();
    const trip = [consecutive(5), silent, count(5, { failures: 5 })];
    const { breaker, calls } = guarded({ trip });
    await fail(calls, 2);
    expect(snapshotOf(breaker).window).toEqual({ rule: 'consecutive+silent+count', counts: [1, 2, 0, 2, 1, 1] });
    expect(elsewhere(snapshotOf(breaker), 0, { trip }).breaker.throughput).toBe(2);
    const short = { ...snapshotOf(breaker), window: { rule: 'consecutive+silent+count', counts: [] } };
    expect(elsewhere(short, 0, { trip }).breaker.throughput).toBe(0);
  });
});

describe('a snapshot', () => {
  it('is plain data, which says no more than the state needs', async () => {
    const { breaker, calls } = guarded();
    expect(snapshotOf(breaker)).toEqual({
      version: 1,
      state: 'closed',
      savedAt: clock.wallTime(),
      timeInStateMs: 0,
      halfOpenAttempts: 0,
      ramping: false,
      window: { rule: 'consecutive', counts: [0] },
    });
    const openedAt = clock.wallTime();
    await fail(calls);
    await clock.advance(300);
    expect(snapshotOf(breaker)).toEqual({
      version: 1,
      state: 'open',
      savedAt: clock.wallTime(),
      timeInStateMs: 300,
      halfOpenAttempts: 0,
      openedAt,
      breakMs: 1_000,
      retryAfterMs: 700,
      window: { rule: 'consecutive', counts: [1] },
    });
    breaker.isolate('maintenance');
    expect(snapshotOf(breaker)).toMatchObject({ state: 'isolated', reasons: ['maintenance'] });
    breaker.reset();
    breaker.forceHalfOpen();
    expect(snapshotOf(breaker)).toMatchObject({ state: 'half-open', halfOpenAttempts: 1 });
    await succeed(calls);
    expect(snapshotOf(breaker)).toMatchObject({ state: 'closed', ramping: false });
  });

  it('knows of a probe that was lost', async () => {
    const { breaker, calls } = guarded({ probeLeaseMs: 500 });
    breaker.forceHalfOpen();
    watched(calls.execute(() => new Promise<string>(() => undefined)));
    await clock.advance(600);
    expect(snapshotOf(breaker)).toMatchObject({ state: 'open', timeInStateMs: 100, retryAfterMs: 900 });
  });

  it('is the same after it was hydrated, at any time and in any state', async () => {
    const commands = fc.array(
      fc.constantFrom('fail', 'succeed', 'isolate', 'forceOpen', 'forceHalfOpen', 'reset', 'wait'),
      { maxLength: 12 },
    );
    const property = fc.asyncProperty(commands, async (script) => {
      clock = new VirtualClock();
      const options = { trip: [sampledRatio({ minThroughput: 2 }), consecutive(3)], rampMs: 90, breakMs: 100 };
      const { breaker, calls } = guarded(options);
      for (const command of script) {
        if (command === 'wait') await clock.advance(60);
        else if (command === 'fail') await calls.tryExecute(() => Promise.reject(new Error('down')));
        else if (command === 'succeed') await calls.tryExecute(up);
        else breaker[command as 'isolate']();
      }
      const snapshot = snapshotOf(breaker);
      breaker.hydrate(snapshot);
      expect(snapshotOf(breaker)).toEqual(snapshot);
    });
    await fc.assert(property, propertyRuns(100));
  });

  it.each([
    ['snapshot', null],
    ['snapshot', 'open'],
    ['snapshot.version', { version: 2 }],
    ['snapshot.state', { state: 'ajar' }],
    ['snapshot.savedAt', { savedAt: '2026' }],
    ['snapshot.savedAt', { savedAt: undefined }],
    ['snapshot.timeInStateMs', { timeInStateMs: -1 }],
    ['snapshot.halfOpenAttempts', { halfOpenAttempts: 0.5 }],
    ['snapshot.openedAt', { openedAt: Infinity }],
    ['snapshot.breakMs', { state: 'open', retryAfterMs: 5 }],
    ['snapshot.retryAfterMs', { state: 'open', breakMs: 5 }],
    ['snapshot.retryAfterMs', { state: 'open', breakMs: 5, retryAfterMs: Infinity }],
    ['snapshot.ramping', { ramping: 1 }],
    ['snapshot.reasons', { state: 'isolated' }],
    ['snapshot.reasons', { state: 'isolated', reasons: [1] }],
    ['snapshot.reasons', { state: 'isolated', reasons: 'because' }],
    ['snapshot.window', { window: { rule: 'consecutive' } }],
    ['snapshot.window', { window: { rule: 1, counts: [] } }],
    ['snapshot.window', { window: { rule: 'consecutive', counts: [Number.NaN] } }],
    ['snapshot.window', { window: null }],
    ['snapshot.windows', { windows: [] }],
    ['snapshot.state', { state: undefined }],
  ])('is refused at %s where it is none (%#), and changes nothing then', (path, wrong) => {
    const { breaker } = guarded();
    breaker.isolate();
    const { window: _, ...right } = snapshotOf(guarded().breaker);
    const given = typeof wrong === 'object' && wrong !== null ? { ...right, ...wrong } : wrong;
    expect(() => breaker.hydrate(given as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
    expect([breaker.state, breaker.history.length]).toEqual(['isolated', 1]);
  });
});
