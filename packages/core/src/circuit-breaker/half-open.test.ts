import { beforeEach, describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { deferred, type Deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { down, guarded, take, up } from './test-support/guarded.ts';
import { consecutive } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A breaker whose break has just ended. */
async function recovering(options: CircuitBreakerOptions = {}) {
  const { breaker, calls } = guarded(clock, options);
  await rejection(calls.execute(down));
  await clock.advance(1_000);
  const probes: Deferred<string>[] = [];
  const probe = (signal?: AbortSignal) => {
    const answer = deferred();
    probes.push(answer);
    return watched(calls.execute(() => answer.promise, signal === undefined ? {} : { signal }));
  };
  return { breaker, calls, probes, probe };
}

describe('a half-open breaker', () => {
  it('lets only as many probes out as it may, of a thousand calls at once', async () => {
    const { breaker, probe, probes } = await recovering({ probes: 3 });
    const calls = Array.from({ length: 1_000 }, () => probe());
    await microtasks();
    expect(breaker.state).toBe('half-open');
    expect(calls.filter(({ state }) => state === 'pending')).toHaveLength(3);
    expect(calls[3]!.error).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 30_000 });
    for (const answer of probes) answer.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('closed');
  });

  it('opens again with the first failure that leaves too few probes to succeed', async () => {
    const { breaker, probe, probes } = await recovering({ probes: 4, successRatio: 0.5 });
    for (let n = 0; n < 4; n++) probe();
    probes[0]!.resolve('item');
    probes[1]!.reject(new Error('down'));
    probes[2]!.reject(new Error('down'));
    await microtasks();
    expect(breaker.state).toBe('half-open');
    probes[3]!.reject(new Error('down'));
    await microtasks();
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 1_000]);
  });

  it('closes as soon as enough probes have succeeded, whatever becomes of the others', async () => {
    const { breaker, probe, probes } = await recovering({ probes: 4, successRatio: 0.5 });
    for (let n = 0; n < 4; n++) probe();
    probes[0]!.resolve('item');
    probes[1]!.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('closed');
    probes[2]!.reject(new Error('late'));
    await microtasks();
    expect([breaker.state, breaker.throughput]).toEqual(['closed', 0]);
  });

  it('needs exactly the ratio of its probes, whatever the rounding of the product', async () => {
    const { breaker, probe, probes } = await recovering({ probes: 25, successRatio: 0.28 });
    for (let n = 0; n < 25; n++) probe();
    for (let n = 0; n < 6; n++) probes[n]!.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('half-open');
    probes[6]!.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('closed');
  });

  it('is not closed by a late success of a call that began while it was closed, nor opened by a late failure', async () => {
    const breaker = circuitBreaker({ clock, trip: consecutive(1), breakMs: 1_000 });
    const calls = pipeline(breaker);
    const late = [deferred(), deferred()];
    for (const { promise } of late) watched(calls.execute(() => promise));
    await rejection(calls.execute(down));
    await clock.advance(1_000);
    const answer = deferred();
    const probe = watched(calls.execute(() => answer.promise));
    late[0]!.resolve('late');
    await microtasks();
    expect(breaker.state).toBe('half-open');
    late[1]!.reject(new Error('late'));
    await microtasks();
    expect(breaker.state).toBe('half-open');
    answer.resolve('item');
    await microtasks();
    expect([probe.state, breaker.state]).toEqual(['fulfilled', 'closed']);
  });

  it('is not decided by a probe of an earlier half-open time', async () => {
    const { breaker, calls, probe, probes } = await recovering({ probes: 2 });
    probe();
    probe();
    probes[0]!.reject(new Error('down'));
    await microtasks();
    await clock.advance(1_000);
    const answer = deferred();
    watched(calls.execute(() => answer.promise));
    probes[1]!.reject(new Error('late'));
    await microtasks();
    expect(breaker.state).toBe('half-open');
  });

  it('learns nothing from a probe that its caller cancels, and gives its place to another', async () => {
    const { breaker, calls, probe } = await recovering();
    const controller = new AbortController();
    const cancelled = probe(controller.signal);
    expect(breaker.retryAfterMs).toBe(30_000);
    controller.abort(new Error('left'));
    await microtasks();
    expect(cancelled.state).toBe('rejected');
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['half-open', 0]);
    await calls.execute(up);
    expect(breaker.state).toBe('closed');
  });

  it('learns nothing from a probe that a policy further in refused, and gives its place to another', async () => {
    const breaker = circuitBreaker({ clock, trip: consecutive(1), breakMs: 1_000 });
    const gate = bulkhead({ maxConcurrent: 1 });
    const calls = pipeline(breaker, gate);
    await rejection(calls.execute(down));
    await clock.advance(1_000);
    const permit = await gate.acquire();
    for (let n = 0; n < 5; n++) expect(await rejection(calls.execute(up))).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect(breaker.state).toBe('half-open');
    permit.release();
    await calls.execute(up);
    expect(breaker.state).toBe('closed');
  });

  it('hands out no extra probe for an error that is no failure: it counts as a success', async () => {
    const { breaker, calls } = await recovering({
      probes: 2,
      failureIf: (error) => (error as Error).message === 'down',
    });
    const ignored = (): Promise<string> => Promise.reject(new Error('not found'));
    await rejection(calls.execute(ignored));
    expect(breaker.state).toBe('half-open');
    await rejection(calls.execute(ignored));
    expect(breaker.state).toBe('closed');
  });
});

describe('a slow probe', () => {
  it('counts as failed where slow calls open the breaker, so that it does not close just to open again', async () => {
    const { breaker, calls } = await recovering({ slowCallMs: 50 });
    await take(clock, calls, 50);
    expect(breaker.history.at(-1)).toMatchObject({ from: 'half-open', to: 'open', reason: 'slow probe' });
    expect([breaker.retryAfterMs, breaker.lastError]).toEqual([1_000, new Error('down')]);
    await clock.advance(1_000);
    await take(clock, calls, 49);
    expect(breaker.state).toBe('closed');
  });

  it('that has failed besides is told as failed', async () => {
    const { breaker, calls } = await recovering({ slowCallMs: 50 });
    await take(clock, calls, 60, down).catch(() => undefined);
    expect(breaker.history.at(-1)).toMatchObject({ reason: 'probe failed' });
  });

  it('counts as any other where nobody says what is slow', async () => {
    const { breaker, calls } = await recovering();
    await take(clock, calls, 20_000);
    expect(breaker.state).toBe('closed');
  });
});

describe('the lease of a probe', () => {
  it('ends a hung probe as a failure, so that it does not block recovery', async () => {
    const { breaker, probe, calls } = await recovering({ probeLeaseMs: 500 });
    probe();
    await clock.advance(499);
    expect(await rejection(calls.execute(up))).toMatchObject({ retryAfterMs: 1 });
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    expect(await rejection(calls.execute(up))).toMatchObject({ retryAfterMs: 1_000 });
    await clock.advance(1_000);
    await calls.execute(up);
    expect(breaker.state).toBe('closed');
  });

  it('that has ended is noticed by the next call, which is refused until the end of the break that it began', async () => {
    const { breaker, calls, probe } = await recovering({ probeLeaseMs: 500 });
    probe();
    await clock.advance(700);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 800 });
    expect(breaker.history.at(-1)).toMatchObject({ to: 'open', reason: 'probe lost' });
  });

  it('begins the break when it ends, not when somebody notices', async () => {
    const { breaker, probe, calls } = await recovering({ probeLeaseMs: 500 });
    probe();
    await clock.advance(700);
    expect([breaker.state, breaker.timeInStateMs, breaker.retryAfterMs]).toEqual(['open', 200, 800]);
    await clock.advance(3_600_000);
    await expect(calls.execute(up)).resolves.toBe('item');
    expect(breaker.state).toBe('closed');
  });

  it('makes a probe that comes back after it count as failed, also when nobody has looked meanwhile', async () => {
    const { breaker, probe, probes } = await recovering({ probeLeaseMs: 500 });
    const call = probe();
    await clock.advance(600);
    probes[0]!.resolve('late');
    await microtasks();
    expect(call.value).toBe('late');
    expect([breaker.state, breaker.timeInStateMs]).toEqual(['open', 100]);
  });

  it('leaves the other probes their chance where they can still decide', async () => {
    const { breaker, probe, probes } = await recovering({ probes: 2, successRatio: 0.5, probeLeaseMs: 500 });
    probe();
    await clock.advance(300);
    probe();
    await clock.advance(300);
    expect(breaker.state).toBe('half-open');
    probes[0]!.resolve('late');
    await microtasks();
    expect(breaker.state).toBe('half-open');
    probes[1]!.resolve('item');
    await microtasks();
    expect(breaker.state).toBe('closed');
  });

  it('names the end of the oldest lease to those who are refused, and the next when that has ended', async () => {
    const { breaker, calls, probe, probes } = await recovering({ probes: 2, successRatio: 0.5, probeLeaseMs: 500 });
    probe();
    await clock.advance(100);
    probe();
    await clock.advance(100);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 300 });
    expect(breaker.retryAfterMs).toBe(300);
    probes[0]!.reject(new Error('down'));
    await microtasks();
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['half-open', 400]);
  });

  it('of several probes that hang ends each in its turn, the first that decides with its own time', async () => {
    const { breaker, probe } = await recovering({ probes: 3, successRatio: 0.5, probeLeaseMs: 500 });
    probe();
    await clock.advance(100);
    probe();
    await clock.advance(100);
    probe();
    await clock.advance(5_000);
    expect([breaker.state, breaker.timeInStateMs]).toEqual(['open', 4_600]);
    expect(breaker.history.filter(({ reason }) => reason === 'probe lost')).toHaveLength(1);
  });

  it('tells a function for the break that throws also when no call is there to tell it', async () => {
    let opened = 0;
    const { breaker, calls, probe } = await recovering({
      probeLeaseMs: 500,
      breakMs: () => {
        if (opened++ > 0) throw new TypeError('bug');
        return 1_000;
      },
    });
    const told: unknown[] = [];
    calls.on('hook-failed', ({ hook, policy }) => told.push([policy, hook]));
    probe();
    await clock.advance(500);
    expect(breaker.retryAfterMs).toBe(30_000);
    expect(told).toEqual([['circuit-breaker', 'breakMs']]);
  });
});
