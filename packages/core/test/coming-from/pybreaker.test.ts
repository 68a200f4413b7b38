/** What docs/coming-from/pybreaker.md promises, in virtual time. */
import { circuitBreaker, type CircuitBreakerOptions, consecutive, pipeline } from 'breakwater';
import { recordEvents, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { deferred, microtasks, rejection, watched } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

class CustomerValidationError extends Error {}
const down = (): Promise<never> => Promise.reject(new Error('down'));
const item = async (): Promise<string> => 'item';

/** `pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)`, in a pipeline of its own. */
function guarded(options: CircuitBreakerOptions = {}) {
  const breaker = circuitBreaker({ name: 'db', trip: consecutive(5), breakMs: 60_000, ...options });
  return { breaker, db: pipeline({ clock }, breaker) };
}

describe('fail_max and reset_timeout', () => {
  it('open after so many failures in a row; each success starts anew', async () => {
    const { breaker, db } = guarded();
    for (let n = 0; n < 4; n++) await db.tryExecute(down);
    expect(breaker.throughput).toBe(4);
    await db.execute(item);
    expect(breaker.throughput).toBe(0);
    for (let n = 0; n < 5; n++) await db.tryExecute(down);
    expect(breaker.state).toBe('open');
  });

  it('refuse all calls until the time is over; then one call decides', async () => {
    const { breaker, db } = guarded();
    for (let n = 0; n < 5; n++) await db.tryExecute(down);
    await clock.advance(59_000);
    expect(await rejection(db.execute(item))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      retryAfterMs: 1_000,
      policy: 'db',
    });
    await clock.advance(1_000);
    await db.tryExecute(down);
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 60_000]);
    await clock.advance(60_000);
    await expect(db.execute(item)).resolves.toBe('item');
    expect(breaker.state).toBe('closed');
  });

  it('throw no new error on the call that trips it: the caller gets the error of its own call', async () => {
    const { breaker, db } = guarded({ trip: consecutive(1) });
    expect(await rejection(db.execute(down))).toEqual(new Error('down'));
    expect(breaker.state).toBe('open');
  });

  it('do not depend on the wall clock', async () => {
    const { breaker, db } = guarded({ trip: consecutive(1) });
    await db.tryExecute(down);
    clock.jumpWallTime(3_600_000);
    await db.tryExecute(item);
    expect(breaker.state).toBe('open');
  });

  it('with success_threshold are probes that all must succeed', async () => {
    const { breaker, db } = guarded({ trip: consecutive(1), probes: 3 });
    await db.tryExecute(down);
    await clock.advance(60_000);
    for (let n = 0; n < 2; n++) await db.execute(item);
    expect(breaker.state).toBe('half-open');
    await db.execute(item);
    expect(breaker.state).toBe('closed');
  });
});

describe('exclude', () => {
  it('is failureIf, negated: an excluded error passes and counts as a success', async () => {
    const excluded: (new () => Error)[] = [CustomerValidationError];
    const { breaker, db } = guarded({ failureIf: (error) => !excluded.some((type) => error instanceof type) });
    for (let n = 0; n < 4; n++) await db.tryExecute(down);
    expect(await rejection(db.execute(() => Promise.reject(new CustomerValidationError())))).toBeInstanceOf(
      CustomerValidationError,
    );
    expect(breaker.throughput).toBe(0);
    excluded.length = 0;
    for (let n = 0; n < 5; n++) await db.tryExecute(() => Promise.reject(new CustomerValidationError()));
    expect(breaker.state).toBe('open');
  });
});

describe('calling', () => {
  it('runs calls beside each other, and one that ends late changes nothing', async () => {
    const { breaker, db } = guarded();
    const answers = Array.from({ length: 6 }, () => deferred());
    const ends = answers.map(({ promise }) => watched(db.execute(() => promise)));
    for (const answer of answers.slice(0, 5)) answer.reject(new Error('down'));
    await microtasks();
    expect(breaker.state).toBe('open');
    answers[5]!.resolve('late');
    await microtasks();
    expect([breaker.state, ends[5]!.value]).toEqual(['open', 'late']);
  });

  it('may be of a function that returns at once', () => {
    const { breaker, db } = guarded({ trip: consecutive(2) });
    for (let n = 0; n < 2; n++) {
      db.tryExecuteSync(() => {
        throw new Error('down');
      });
    }
    expect(breaker.state).toBe('open');
    expect(() => db.executeSync(() => 'item')).toThrow(expect.objectContaining({ code: 'CIRCUIT_OPEN' }));
  });

  it('is of a wrapped function as of a decorated one', async () => {
    const { db } = guarded();
    const update = db.wrap(async (id: string, name: string) => `${id}: ${name}`);
    await expect(update('1', 'a')).resolves.toBe('1: a');
  });
});

describe('managing', () => {
  it('open, half_open and close are forceOpen, forceHalfOpen and reset', async () => {
    const { breaker, db } = guarded();
    breaker.forceOpen('by hand');
    expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 60_000]);
    breaker.forceHalfOpen();
    await db.tryExecute(down);
    expect(breaker.state).toBe('open');
    breaker.reset();
    expect(breaker.state).toBe('closed');
    await expect(db.execute(item)).resolves.toBe('item');
  });

  it('listeners are events: of each attempt, and of each change of state', async () => {
    const { db } = guarded({ trip: consecutive(1) });
    const events = recordEvents(db);
    await db.tryExecute(down);
    await clock.advance(60_000);
    await db.tryExecute(item);
    expect(events.of('attempt-ended').map(({ outcome }) => outcome)).toEqual(['failure', 'success']);
    expect(events.all.flatMap((event) => ('from' in event ? [`${event.from} → ${event.to}`] : []))).toEqual([
      'closed → open',
      'open → half-open',
      'half-open → closed',
    ]);
    events.stop();
    await db.tryExecute(down);
    expect(events.of('attempt-ended')).toHaveLength(2);
  });

  it('state is handed on as data: the next process waits what is left', async () => {
    const { breaker, db } = guarded({ trip: consecutive(1) });
    await db.tryExecute(down);
    await clock.advance(45_000);
    const next = guarded({ trip: consecutive(1) });
    next.breaker.hydrate(JSON.parse(JSON.stringify(breaker)) as ReturnType<typeof breaker.toJSON>);
    expect([next.breaker.state, next.breaker.retryAfterMs]).toEqual(['open', 15_000]);
  });
});
