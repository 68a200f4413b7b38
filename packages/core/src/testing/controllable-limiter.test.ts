import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { RateLimiter } from '../rate-limit/rate-limiter.ts';
import { rateLimit } from '../rate-limit/policy.ts';
import { ControllableLimiter } from './controllable-limiter.ts';
import { countedController } from './test-support/counted-signal.ts';
import { microtasks, rejection, watched } from './test-support/watched.ts';

let clock: VirtualClock;
let limiter: ControllableLimiter;
beforeEach(() => {
  clock = new VirtualClock();
  limiter = new ControllableLimiter({ name: 'quota', clock });
});

const refusal = { allowed: false, retryAfterMs: 500, limitValue: 10, remaining: 0 };

describe('a controllable limiter', () => {
  it('is a limiter to the compiler, and lets everything through until it is told otherwise', async () => {
    expectTypeOf(limiter).toExtend<RateLimiter>();
    const asLimiter: RateLimiter = limiter;
    expect(asLimiter.tryAcquire('a')).toMatchObject({ allowed: true, limitName: 'quota', retryAfterMs: 0 });
    await expect(asLimiter.acquire()).resolves.toMatchObject({ allowed: true });
    await expect(pipeline(rateLimit(asLimiter)).execute(() => 'item')).resolves.toBe('item');
  });

  it('answers as it is told to, until it is told otherwise', () => {
    limiter.answer(refusal);
    expect([limiter.tryAcquire(), limiter.tryAcquire()]).toMatchObject([refusal, refusal]);
    limiter.answer({});
    expect(limiter.tryAcquire()).toMatchObject({ allowed: true, retryAfterMs: 0, limitName: 'quota' });
  });

  it('gives single answers once each, before the standing one; looking at one takes none', () => {
    limiter.answerNext({ allowed: false, retryAfterMs: 1 }, { degraded: true });
    expect(limiter.check()).toMatchObject({ allowed: false, retryAfterMs: 1 });
    const told = [limiter.tryAcquire(), limiter.tryAcquire(), limiter.tryAcquire()];
    expect(told.map(({ allowed, degraded }) => [allowed, degraded])).toEqual([
      [false, false],
      [true, true],
      [true, false],
    ]);
  });

  it('remembers what it was asked, by whom and how urgently, until that is cleared', async () => {
    limiter.tryAcquire('a', { cost: 3, priority: 'batch' });
    limiter.check();
    await limiter.acquire('b', { priority: 'medium' });
    const calls = pipeline({ clock }, rateLimit(limiter));
    await calls.execute(() => 1, { key: 'c', cost: 2, priority: 'critical' });
    limiter.reset('a');
    limiter.reset();
    expect(limiter.requests.map(({ decision: _decision, ...asked }) => asked)).toEqual([
      { operation: 'tryAcquire', key: 'a', cost: 3, priority: 'batch' },
      { operation: 'check', key: undefined, cost: 1, priority: 'normal' },
      { operation: 'acquire', key: 'b', cost: 1, priority: 'normal' },
      { operation: 'call', key: 'c', cost: 2, priority: 'critical' },
    ]);
    expect(limiter.commands).toEqual([
      { command: 'reset', key: 'a' },
      { command: 'reset', key: undefined },
    ]);
    expect(limiter.statistics).toMatchObject({ admitted: 3, refused: 0, keys: 4 });
    limiter.clear();
    expect([limiter.requests, limiter.commands, limiter.statistics.admitted]).toEqual([[], [], 0]);
  });

  it('remembers what it was told to do, and does none of it', () => {
    const decision = limiter.tryAcquire('a', { cost: { requests: 1, tokens: 50 }, settles: true });
    expect(limiter.settle(decision, { tokens: 20 })).toBe(true);
    limiter.feedback({ status: 429, headers: {} }, 'a');
    limiter.update({ limit: 3 });
    limiter.ban('a', 1_000);
    limiter.penalise('a', 5);
    limiter.reward('a', 2);
    expect(limiter.tryAcquire('a').allowed).toBe(true);
    expect(limiter.requests[0]!.cost).toEqual([1, 50]);
    expect(limiter.commands.map(({ command, value }) => [command, value])).toEqual([
      ['settle', { tokens: 20 }],
      ['feedback', { status: 429, headers: {} }],
      ['update', { limit: 3 }],
      ['ban', 1_000],
      ['penalise', 5],
      ['reward', 2],
    ]);
  });

  it('reserves when its answer says, or refuses what lies too far ahead', () => {
    limiter.answer(refusal);
    const slot = limiter.reserve('a', { cost: 2, maxWaitMs: 500 });
    expect(slot).toMatchObject({ reserved: true, executeAt: 500, delayMs: 500, cost: 2 });
    expect(limiter.reserve('a', { maxWaitMs: 499 })).toMatchObject({ reserved: false, retryAfterMs: 500 });
    if (!slot.reserved) return;
    expect([slot.delayBy(100), slot.executeAt, slot.cancel(), slot.commit()]).toEqual([true, 600, true, false]);
    expect(limiter.commands).toEqual([
      { command: 'delayBy', key: 'a', value: 100 },
      { command: 'cancel', key: 'a' },
    ]);
    expect(limiter.statistics.refused).toBe(1);
  });

  it('takes the clock of its first pipeline where it was given none', () => {
    const unbound = new ControllableLimiter();
    expect([unbound.name, unbound.boundClock]).toEqual(['rate-limit', undefined]);
    pipeline({ clock }, rateLimit(unbound));
    expect(unbound.boundClock).toBe(clock);
  });
});

describe('who waits at a controllable limiter', () => {
  it('waits until the test lets it go on, the first first', async () => {
    limiter.answer(refusal);
    const calls = pipeline({ clock }, rateLimit(limiter));
    const waits = [watched(calls.execute(() => 'call')), watched(limiter.acquire('b')), watched(limiter.acquire('c'))];
    await clock.advance(9_999);
    expect([waits.map(({ state }) => state), limiter.statistics.waiting]).toEqual([
      ['pending', 'pending', 'pending'],
      3,
    ]);
    expect(limiter.admit(2)).toBe(2);
    await microtasks();
    expect(waits.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'pending']);
    expect([waits[0]!.value, waits[1]!.value]).toMatchObject(['call', { allowed: true }]);
    expect([limiter.admit(), limiter.admit()]).toEqual([1, 0]);
    expect(limiter.statistics).toMatchObject({ queued: 3, admitted: 3, waiting: 0, waitedMs: 3 * 9_999 });
  });

  it('is measured by the system’s clock where it has met no other', async () => {
    const unbound = new ControllableLimiter();
    unbound.answer(refusal);
    const wait = unbound.acquire();
    expect(unbound.admit()).toBe(1);
    await expect(wait).resolves.toMatchObject({ allowed: true });
    expect(unbound.statistics.waitedMs).toBeGreaterThanOrEqual(0);
  });

  it('fails as at the real one when it is turned away', async () => {
    limiter.answer(refusal);
    const calls = pipeline({ clock }, rateLimit(limiter));
    const waits = [watched(calls.execute(() => 'call')), watched(limiter.acquire('b'))];
    expect(limiter.turnAway()).toBe(2);
    await microtasks();
    const error = { code: 'RATE_LIMITED', retryAfterMs: 500, reason: 'wait', limitName: 'quota' };
    expect(waits.map((wait) => wait.error)).toMatchObject([error, error]);
    expect(limiter.statistics).toMatchObject({ refused: 2, waiting: 0 });
  });

  it('does not begin to wait when that would be longer than allowed, or when it can never fit', async () => {
    limiter.answer(refusal);
    expect(await rejection(limiter.acquire('a', { maxWaitMs: 499 }))).toMatchObject({ reason: 'wait' });
    expect(await rejection(limiter.acquire('a', { maxWaitMs: 0 }))).toMatchObject({ reason: 'limit' });
    const calls = pipeline({ clock }, rateLimit(limiter));
    expect(await rejection(calls.execute(() => 1, { deadlineMs: 499 }))).toMatchObject({ code: 'RATE_LIMITED' });
    limiter.answer({ ...refusal, oversize: true });
    expect(await rejection(limiter.acquire('a', { cost: 11 }))).toMatchObject({ code: 'COST_TOO_LARGE', maxCost: 10 });
    expect(limiter.statistics).toMatchObject({ refused: 4, waiting: 0 });
  });

  it('leaves at once when it is aborted, and lets go of the signal', async () => {
    limiter.answer(refusal);
    const calls = pipeline({ clock }, rateLimit(limiter));
    const counted = countedController();
    const waits = [
      watched(calls.execute(() => 1, { signal: counted.signal })),
      watched(limiter.acquire('b', { signal: counted.signal })),
    ];
    counted.controller.abort('left');
    await microtasks();
    expect(waits.map(({ error }) => error)).toEqual(['left', 'left']);
    expect([limiter.statistics.waiting, limiter.statistics.withdrawn, counted.listening]).toEqual([0, 2, 0]);
    expect(await rejection(limiter.acquire('b', { signal: counted.signal }))).toBe('left');
    expect(limiter.admit()).toBe(0);
  });
});
