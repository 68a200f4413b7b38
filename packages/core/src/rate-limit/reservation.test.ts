import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { rateLimiter, type RateLimiter, type Reservation, type ReserveOptions, slidingLog } from './index.ts';
import { type Admission, mostInAnyWindow } from './test-support/admissions.ts';
import { steppedClock } from './test-support/stepped-clock.ts';

/** One per 100 ms, one at a time. */
const paced = (clock = new VirtualClock()) => rateLimiter({ limit: 10, periodMs: 1_000, burst: 1, clock });

function reserved(limiter: RateLimiter, options?: ReserveOptions, key?: string): Reservation {
  const reservation = limiter.reserve(key, options);
  if (!reservation.reserved) throw new Error(`refused by ${reservation.limitName}`);
  return reservation;
}

describe('a reservation', () => {
  it('has a place in time of its own: no two share a slot', () => {
    const limiter = paced();
    const times = Array.from({ length: 5 }, () => reserved(limiter).executeAt);
    expect(times).toEqual([0, 100, 200, 300, 400]);
    expect(limiter.check()).toMatchObject({ allowed: false, retryAfterMs: 500 });
  });

  it('says whom it is for, what it costs and how long to wait', () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 5, clock: new VirtualClock() });
    limiter.tryAcquire('client-7', { cost: 5 });
    const slot = limiter.reserve('client-7', { cost: 5, maxWaitMs: 300_000 });
    expect(slot).toMatchObject({
      reserved: true,
      key: 'client-7',
      cost: 5,
      delayMs: 500,
      executeAt: 500,
      state: 'held',
    });
  });

  it('pays once: when its time has come nothing more is charged', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    reserved(limiter);
    const second = reserved(limiter);
    await clock.advance(100);
    expect(second.commit()).toBe(true);
    expect(limiter.check().retryAfterMs).toBe(100);
    await clock.advance(100);
    expect(limiter.tryAcquire().allowed).toBe(true);
  });

  it('is refused when its time would lie too far ahead, with the time after which it would not', () => {
    const limiter = paced();
    for (let times = 0; times < 5; times++) reserved(limiter);
    expect(limiter.reserve(undefined, { maxWaitMs: 200 })).toEqual({
      reserved: false,
      limitName: 'rate-limit',
      retryAfterMs: 300,
      oversize: false,
    });
    expect(reserved(limiter, { maxWaitMs: 500 }).executeAt).toBe(500);
  });

  it('of a cost that can never fit is refused at once, and promised no time', () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 5, clock: new VirtualClock() });
    expect(limiter.reserve('a', { cost: 6 })).toMatchObject({
      reserved: false,
      retryAfterMs: Infinity,
      oversize: true,
    });
    expect(limiter.statistics).toMatchObject({ refused: 1, reservations: 0, keys: 0 });
  });

  it('that is cancelled leaves no trace: its own place is free again, and nobody else has moved', () => {
    const limiter = paced();
    const [first, second, third] = [reserved(limiter), reserved(limiter), reserved(limiter)];
    expect(second.cancel()).toBe(true);
    expect(second.cancel()).toBe(false);
    expect([first.executeAt, third.executeAt]).toEqual([0, 200]);
    expect(reserved(limiter).executeAt).toBe(100);
    expect(reserved(limiter).executeAt).toBe(300);
  });

  it('that is cancelled in the middle does not let the next one share a slot with those behind it', () => {
    const limiter = paced();
    const slots = [reserved(limiter), reserved(limiter), reserved(limiter)];
    slots[1]!.cancel();
    const times = [reserved(limiter), reserved(limiter)].map(({ executeAt }) => executeAt);
    expect(times).toEqual([100, 300]);
  });

  it('that is cancelled after its time gives back what time has not', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 10, clock });
    const slot = reserved(limiter, { cost: 8 });
    await clock.advance(300);
    expect(limiter.check().remaining).toBe(5);
    slot.cancel();
    expect(limiter.check().remaining).toBe(10);
    const late = reserved(limiter, { cost: 2 });
    await clock.advance(1_000);
    limiter.tryAcquire(undefined, { cost: 10 });
    late.cancel();
    expect(limiter.check().remaining).toBe(0);
  });

  it('that was committed can not be given back', () => {
    const limiter = paced();
    const slot = reserved(limiter);
    expect([slot.commit(), slot.cancel(), slot.settle(0), slot.delayBy(1), slot.state]).toEqual([
      true,
      false,
      false,
      false,
      'committed',
    ]);
    expect(limiter.check().allowed).toBe(false);
  });

  it('expires: after that it counts as used, and holds nothing', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    const slot = reserved(limiter, { expiresMs: 50 });
    await clock.advance(51);
    expect([slot.state, slot.cancel()]).toEqual(['expired', false]);
    expect(limiter.statistics.reservations).toBe(0);
    expect(limiter.check().allowed).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it('moves to the first free place after a delay, and frees its own', () => {
    const limiter = paced();
    const slots = [reserved(limiter), reserved(limiter), reserved(limiter)];
    expect(slots[0]!.delayBy(150)).toBe(true);
    expect(slots[0]!).toMatchObject({ executeAt: 300, delayMs: 300, state: 'held' });
    expect(limiter.tryAcquire().allowed).toBe(true);
    expect(() => slots[1]!.delayBy(-1)).toThrow(RangeError);
  });

  it('is ready when its time has come, also when it was delayed meanwhile', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    reserved(limiter);
    const slot = reserved(limiter);
    let readyAt = -1;
    void slot.ready().then(() => (readyAt = clock.now()));
    await clock.advance(50);
    slot.delayBy(100);
    await clock.advance(100);
    expect(readyAt).toBe(-1);
    await clock.advance(50);
    expect(readyAt).toBe(200);
    await slot.ready();
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets go of the signal when its time has come', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    reserved(limiter);
    const counted = countedController();
    const ready = reserved(limiter).ready(counted.signal);
    expect(counted.listening).toBe(1);
    await clock.advance(100);
    await ready;
    expect([counted.listening, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('stops waiting when the signal is aborted, and leaves no timer and no listener', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    reserved(limiter);
    const counted = countedController();
    const waiting = reserved(limiter).ready(counted.signal);
    counted.controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    await expect(reserved(limiter).ready(counted.signal)).rejects.toBe('enough');
    expect([clock.pendingTimers, counted.listening]).toEqual([0, 0]);
  });

  it('lets nobody in who would take its slot, and lets in who fits before it', () => {
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 4, clock: new VirtualClock() });
    limiter.tryAcquire(undefined, { cost: 3 });
    expect(reserved(limiter, { cost: 4 }).executeAt).toBe(300);
    expect(limiter.check()).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 400 });
    expect(limiter.tryAcquire(undefined, { cost: 0 }).allowed).toBe(true);
  });

  it('comes behind those who wait already, and those who come later wait behind it', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    limiter.tryAcquire();
    const log: string[] = [];
    void limiter.acquire().then(() => log.push(`waiter ${clock.now()}`));
    const slot = reserved(limiter);
    void limiter.acquire().then(() => log.push(`late ${clock.now()}`));
    expect(slot.executeAt).toBe(200);
    await clock.advance(1_000);
    expect(log).toEqual(['waiter 100', 'late 300']);
  });

  it('wakes those who wait when it is given back', async () => {
    const clock = new VirtualClock();
    const limiter = paced(clock);
    const slot = reserved(limiter);
    let at = -1;
    void limiter.acquire().then(() => (at = clock.now()));
    await clock.advance(10);
    slot.cancel();
    await clock.advance(0);
    expect(at).toBe(10);
  });

  it('is one of a bounded number', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 100, periodMs: 1_000, maxReservations: 2, clock });
    const first = reserved(limiter, { expiresMs: 500 });
    reserved(limiter, { expiresMs: 500 });
    expect(limiter.reserve()).toMatchObject({ reserved: false, limitName: 'reservations', retryAfterMs: 500 });
    first.commit();
    expect(limiter.reserve().reserved).toBe(true);
    await clock.advance(501);
    expect(limiter.reserve().reserved).toBe(true);
  });

  it('whose place is asked for while very many are held is told a time that is none of those too late', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1_000, periodMs: 1_000, maxReservations: 50, clock });
    for (let index = 0; index < 50; index++) reserved(limiter, { expiresMs: 100 + index });
    const refused = limiter.reserve();
    if (refused.reserved) expect.fail('should be refused');
    expect(refused.limitName).toBe('reservations');
    await clock.advance(refused.retryAfterMs + 1);
    expect(limiter.reserve().reserved).toBe(true);
  });

  it('can not be held for a time that is none', () => {
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock: new VirtualClock() });
    for (const expiresMs of [-1, Number.NaN]) expect(() => limiter.reserve('a', { expiresMs })).toThrow(/expiresMs/);
    for (const maxWaitMs of [-1, Number.NaN]) expect(() => limiter.reserve('a', { maxWaitMs })).toThrow(/maxWaitMs/);
  });

  it('of no cost has its time all the same, and can be moved', () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock });
    const slot = reserved(limiter, { cost: 0 });
    slot.delayBy(300);
    expect(slot.executeAt).toBe(300);
    slot.cancel();
    expect([limiter.statistics.reservations, limiter.tryAcquire().allowed]).toEqual([0, true]);
  });

  it('leaves nothing behind for keys that are never seen again', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, clock });
    for (let index = 0; index < 1_000; index++) reserved(limiter, {}, `key-${index}`).commit();
    await clock.advance(10_000);
    for (let index = 0; index < 1_000; index++) reserved(limiter, {}, `other-${index}`).cancel();
    expect(limiter.statistics.reservations).toBe(0);
    expect(limiter.statistics.keys).toBeLessThanOrEqual(1_000);
  });

  it('of several limits fits all of them', () => {
    const limiter = rateLimiter({
      limits: [
        { name: 'requests', limit: 10, periodMs: 1_000, burst: 1 },
        { name: 'tokens', limit: 100, periodMs: 1_000, algorithm: slidingLog },
      ],
      clock: new VirtualClock(),
    });
    const times = [60, 40, 50, 10].map((tokens) => reserved(limiter, { cost: { tokens } }).executeAt);
    expect(times).toEqual([0, 100, 1_000, 1_100]);
  });
});

describe('settling', () => {
  it('gives back what was estimated too much, and charges what was too little', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 100, periodMs: 1_000, clock });
    const decision = limiter.tryAcquire('a', { cost: 60, settles: true });
    expect(decision).toMatchObject({ allowed: true, remaining: 40 });
    expect(limiter.settle(decision, 20)).toBe(true);
    expect(limiter.check('a').remaining).toBe(80);
    expect(limiter.settle(decision, 20)).toBe(false);
    const waited = await limiter.acquire('a', { cost: 80, settles: true });
    expect(limiter.settle(waited, 130)).toBe(true);
    expect(limiter.check('a')).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 510 });
    expect(limiter.statistics).toMatchObject({ overshoot: 50, reservations: 0 });
  });

  it('of a decision that was refused does nothing', () => {
    const limiter = rateLimiter({ limit: 5, periodMs: 1_000, clock: new VirtualClock() });
    limiter.tryAcquire('a', { cost: 5 });
    const refused = limiter.tryAcquire('a', { cost: 1, settles: true });
    expect(refused).toMatchObject({ allowed: false, retryAfterMs: 200 });
    expect([limiter.settle(refused, 0), limiter.statistics.reservations]).toEqual([false, 0]);
  });

  it('of a decision that was not made for it does nothing', () => {
    const limiter = paced();
    const decision = limiter.tryAcquire();
    expect(limiter.settle(decision, 0)).toBe(false);
    expect(limiter.check().allowed).toBe(false);
  });

  it('settles each limit by its own cost', () => {
    const limiter = rateLimiter({
      limits: [
        { name: 'requests', limit: 10, periodMs: 1_000 },
        { name: 'tokens', limit: 1_000, periodMs: 1_000 },
      ],
      clock: new VirtualClock(),
    });
    const events: unknown[] = [];
    limiter.events.on('limit-settled', ({ limitName, estimated, actual }) =>
      events.push([limitName, estimated, actual]),
    );
    const slot = limiter.reserve('a', { cost: { tokens: 500 } });
    expect(slot.reserved && slot.settle({ tokens: 120 })).toBe(true);
    expect(limiter.check('a', { cost: { requests: 9, tokens: 880 } }).allowed).toBe(true);
    expect(limiter.check('a', { cost: { requests: 9, tokens: 881 } }).allowed).toBe(false);
    expect(events).toEqual([
      ['requests', 1, 1],
      ['tokens', 500, 120],
    ]);
  });

  it('is not confused by others that are settled before', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ limit: 10, periodMs: 1_000, clock });
    const first = limiter.tryAcquire('a', { cost: 5, settles: true });
    const second = limiter.tryAcquire('a', { cost: 5, settles: true });
    limiter.settle(first, 0);
    await clock.advance(400);
    limiter.tryAcquire('a', { cost: 3 });
    // Of the second, 400 ms have paid for four; one is left to give back.
    limiter.settle(second, 0);
    expect(limiter.check('a').remaining).toBe(7);
  });
});

/** What a schedule of reservations, requests, cancellations and jumps has really used, in order of time. */
function usedBy(limiter: RateLimiter, clock: ReturnType<typeof steppedClock>, actions: Actions): readonly Admission[] {
  const used: Admission[] = [];
  const held: Reservation[] = [];
  for (const { stepMs, action, cost, which } of actions) {
    clock.step(stepMs);
    const chosen = held.length === 0 ? undefined : held[which % held.length];
    if (action === 'cancel') {
      if (chosen !== undefined && chosen.executeAt > clock.now()) chosen.cancel();
    } else if (action === 'delay') {
      if (chosen !== undefined && chosen.executeAt > clock.now()) chosen.delayBy(which * 10);
    } else if (action === 'try') {
      if (limiter.tryAcquire('key', { cost }).allowed) used.push({ atMs: clock.now(), cost });
    } else {
      const slot = limiter.reserve('key', { cost });
      if (slot.reserved) held.push(slot);
    }
  }
  for (const slot of held)
    if (slot.state !== 'cancelled') used.push({ atMs: slot.executeAt, cost: slot.cost as number });
  return used.sort((a, b) => a.atMs - b.atMs);
}

const actions = fc.array(
  fc.record({
    stepMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 120 }), fc.constantFrom(5_000)),
    action: fc.constantFrom('reserve', 'reserve', 'try', 'cancel', 'delay'),
    cost: fc.integer({ min: 1, max: 4 }),
    which: fc.nat(30),
  }),
  { minLength: 1, maxLength: 80 },
);
type Actions = typeof actions extends fc.Arbitrary<infer Value> ? Value : never;

describe('reservations, for any arrivals, costs, delays, cancellations and jumps of the clock', () => {
  it('and all that is let through beside them never exceed what GCRA promises', () => {
    fc.assert(
      fc.property(actions, fc.integer({ min: 4, max: 8 }), (schedule, burst) => {
        const clock = steppedClock(0);
        const limiter = rateLimiter({ limit: 20, periodMs: 1_000, burst, clock });
        const used = usedBy(limiter, clock, schedule);
        expect(mostInAnyWindow(used, 1_000)).toBeLessThanOrEqual(20 + burst);
        // Nor in any shorter or longer window.
        for (const windowMs of [0, 50, 200, 3_000])
          expect(mostInAnyWindow(used, windowMs)).toBeLessThanOrEqual(Math.floor(windowMs / 50) + burst);
      }),
      propertyRuns(300),
    );
  });

  it('and all that is let through beside them never exceed a sliding log', () => {
    fc.assert(
      fc.property(actions, (schedule) => {
        const clock = steppedClock(0);
        const limiter = rateLimiter({ limit: 6, periodMs: 500, algorithm: slidingLog, clock });
        expect(mostInAnyWindow(usedBy(limiter, clock, schedule), 500, false)).toBeLessThanOrEqual(6);
      }),
      propertyRuns(300),
    );
  });

  it('that are all cancelled before their time leave the limiter as if they had never been', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ stepMs: fc.integer({ min: 0, max: 30 }), cost: fc.integer({ min: 1, max: 4 }) }), {
          maxLength: 30,
        }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (requests, order) => {
          const clocks = [steppedClock(0), steppedClock(0)] as const;
          const limiters = clocks.map((clock) => rateLimiter({ limit: 30, periodMs: 1_000, burst: 5, clock })) as [
            RateLimiter,
            RateLimiter,
          ];
          // Both are busy, so that all reservations lie ahead.
          for (const limiter of limiters) limiter.tryAcquire('key', { cost: 5 });
          const held: Reservation[] = [];
          for (const { stepMs, cost } of requests) {
            for (const clock of clocks) clock.step(stepMs / 30);
            const slot = limiters[0].reserve('key', { cost });
            if (slot.reserved) held.push(slot);
          }
          for (const index of order) if (held.length > 0) held.splice(index % held.length, 1)[0]!.cancel();
          for (const slot of held) slot.cancel();
          const [one, other] = limiters.map((limiter) => limiter.check('key', { cost: 2 }));
          expect(one).toEqual(other);
        },
      ),
      propertyRuns(300),
    );
  });
});
