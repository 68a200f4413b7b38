import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { brokenPromise, thenTrap } from '../testing/test-support/thenables.ts';
import { deferred, type Deferred, rejection } from '../testing/test-support/watched.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { fail, guarded, succeed, up } from './test-support/guarded.ts';
import { consecutive } from './trip-rules.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A breaker that has just opened for ten seconds and is checked each second. */
async function opened(check: (context: { signal: AbortSignal }) => unknown, options: CircuitBreakerOptions = {}) {
  const healthProbe = { check: vi.fn(check), intervalMs: 1_000 };
  const { breaker, calls } = guarded(clock, { breakMs: 10_000, healthProbe, ...options });
  const checked = vi.fn();
  breaker.events.on('circuit-health-checked', checked);
  await fail(calls);
  return { breaker, calls, check: healthProbe.check, checked };
}

describe('a health probe', () => {
  it('is called each interval while the breaker is open, for the first time so long after it opened', async () => {
    const { check } = await opened(() => false);
    await clock.advance(999);
    expect(check).toHaveBeenCalledTimes(0);
    await clock.advance(1);
    expect(check).toHaveBeenCalledTimes(1);
    await clock.advance(3_999);
    expect(check).toHaveBeenCalledTimes(4);
  });

  it.each([
    ['resolves', async () => undefined],
    ['answers at once', () => 'fine'],
    ['answers true', () => true],
  ])('makes the breaker half-open at once when it %s', async (_how, healthy) => {
    const { breaker, calls, checked } = await opened(healthy);
    const left: number[] = [];
    breaker.events.on('circuit-health-checked', () => left.push(breaker.retryAfterMs));
    await clock.advance(1_000);
    expect([breaker.state, breaker.retryAfterMs, left]).toEqual(['half-open', 0, [9_000]]);
    expect(breaker.history.at(-1)).toMatchObject({ from: 'open', to: 'half-open', reason: 'healthy' });
    expect(checked).toHaveBeenCalledWith(
      expect.objectContaining({ outcome: 'success', durationMs: 0, error: undefined }),
    );
    await succeed(calls);
    expect(breaker.state).toBe('closed');
  });

  const bug = new Error('ill');
  it.each([
    ['rejects', () => Promise.reject(bug), bug],
    [
      'throws',
      () => {
        throw bug;
      },
      bug,
    ],
    ['answers false', async () => false, undefined],
    ['answers with a trap', thenTrap, new RangeError('trap')],
    ['answers with a broken promise', brokenPromise, new RangeError('broken')],
  ])('begins the break anew when it %s', async (_how, ill, error) => {
    const { breaker, checked } = await opened(ill);
    await clock.advance(1_000);
    expect([breaker.state, breaker.timeInStateMs, breaker.retryAfterMs]).toEqual(['open', 1_000, 10_000]);
    expect(checked).toHaveBeenCalledTimes(1);
    expect(checked).toHaveBeenCalledWith(
      expect.objectContaining({ policy: 'circuit-breaker', outcome: 'failure', error }),
    );
  });

  it('keeps the breaker open as long as it fails, however long that is', async () => {
    let healthy = false;
    const { breaker, calls } = await opened(() => healthy);
    await clock.advance(3_600_000);
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 10_000 });
    healthy = true;
    await clock.advance(1_000);
    expect(breaker.state).toBe('half-open');
  });

  it('does not shorten a break that a failure has asked for', async () => {
    const { breaker, calls } = await opened(() => false);
    breaker.reset();
    await rejection(calls.execute(() => Promise.reject(Object.assign(new Error('busy'), { retryAfterMs: 30_000 }))));
    await clock.advance(1_000);
    expect(breaker.retryAfterMs).toBe(30_000);
  });

  it('that has not answered when the next is due is aborted and counts as failed', async () => {
    const signals: AbortSignal[] = [];
    const { breaker, check, checked } = await opened(({ signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    await clock.advance(1_999);
    expect([check.mock.calls.length, signals[0]!.aborted, breaker.retryAfterMs]).toEqual([1, false, 8_001]);
    await clock.advance(1);
    expect([check.mock.calls.length, signals[0]!.aborted, breaker.retryAfterMs]).toEqual([2, true, 10_000]);
    const error = expect.objectContaining({
      code: 'HEALTH_CHECK_TIMEOUT',
      category: 'timeout',
      policy: 'circuit-breaker',
    });
    expect(signals[0]!.reason).toEqual(error);
    expect(checked).toHaveBeenCalledWith(expect.objectContaining({ outcome: 'failure', durationMs: 1_000, error }));
    expect(signals[1]!.aborted).toBe(false);
  });

  it('whose answer comes after that, or after the breaker has left its state, changes nothing', async () => {
    const answers: Deferred<string>[] = [];
    const { breaker, calls, checked } = await opened(() => {
      answers.push(deferred());
      return answers.at(-1)!.promise;
    });
    await clock.advance(2_000);
    answers[0]!.resolve('late');
    await clock.advance(1);
    expect([breaker.state, checked.mock.calls.length]).toEqual(['open', 1]);
    breaker.forceOpen();
    answers[1]!.resolve('late');
    await clock.advance(1);
    expect([breaker.state, checked.mock.calls.length]).toEqual(['open', 1]);
    await clock.advance(1_000);
    breaker.reset();
    answers[2]!.reject(new Error('late'));
    await clock.advance(1);
    expect([breaker.state, checked.mock.calls.length]).toEqual(['closed', 1]);
    await succeed(calls);
  });

  it('goes on from the opening when the breaker opens again', async () => {
    const { breaker, check } = await opened(() => false);
    await clock.advance(1_500);
    breaker.forceOpen();
    await clock.advance(999);
    expect(check).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(check).toHaveBeenCalledTimes(2);
  });

  it('whose break ends first leaves the finding out to the next call', async () => {
    const { breaker, calls } = await opened(() => false, { breakMs: 500 });
    await clock.advance(500);
    await expect(calls.execute(up)).resolves.toBe('item');
    expect([breaker.state, clock.pendingTimers]).toEqual(['closed', 0]);
  });
});

describe('the checks of a health probe', () => {
  const hangs = () => new Promise(() => undefined);

  it.each([
    ['closed by a reset', (breaker: never) => (breaker as { reset(): void }).reset()],
    ['isolated', (breaker: never) => (breaker as { isolate(): void }).isolate()],
    ['half-open by force', (breaker: never) => (breaker as { forceHalfOpen(): void }).forceHalfOpen()],
  ])('stop when the breaker is %s, and leave no timer and no check', async (_how, act) => {
    const signals: AbortSignal[] = [];
    const { breaker, check } = await opened(({ signal }) => {
      signals.push(signal);
      return hangs();
    });
    await clock.advance(1_500);
    act(breaker as never);
    expect([clock.pendingTimers, signals.map(({ aborted }) => aborted)]).toEqual([0, [true]]);
    await clock.advance(60_000);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('stop when the pipeline is closed, and do not begin again when a call that still ran opens the breaker', async () => {
    const { breaker, calls, check } = await opened(hangs);
    breaker.reset();
    const answer = deferred();
    const call = calls.execute(() => answer.promise);
    const closing = calls.close();
    answer.reject(new Error('down'));
    await rejection(call);
    expect([await closing, breaker.state, clock.pendingTimers]).toEqual([0, 'open', 0]);
    const other = await opened(hangs);
    await clock.advance(1_500);
    await other.calls.close();
    await other.calls.close();
    await clock.advance(60_000);
    expect([check.mock.calls.length, other.check.mock.calls.length, clock.pendingTimers]).toEqual([0, 1, 0]);
  });

  it('go on until the last pipeline of the breaker is closed, and begin again with the next', async () => {
    const { breaker, calls, check } = await opened(() => false);
    const second = pipeline(breaker);
    await calls.close();
    await clock.advance(1_000);
    expect(check).toHaveBeenCalledTimes(1);
    await second.close();
    await clock.advance(5_000);
    expect([check.mock.calls.length, clock.pendingTimers]).toEqual([1, 0]);
    const third = pipeline(breaker);
    await clock.advance(1_000);
    expect(check).toHaveBeenCalledTimes(2);
    await third.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('are made for no breaker that no pipeline uses', async () => {
    const check = vi.fn(() => true);
    const breaker = circuitBreaker({ clock, healthProbe: { check, intervalMs: 10 } });
    breaker.forceOpen();
    await clock.advance(100);
    expect([check.mock.calls.length, clock.pendingTimers]).toEqual([0, 0]);
    const calls = pipeline(breaker);
    await clock.advance(10);
    expect([check.mock.calls.length, breaker.state]).toEqual([1, 'half-open']);
    await calls.close();
  });

  it('are made once for a breaker of several pipelines', async () => {
    const check = vi.fn(() => false);
    const breaker = circuitBreaker({ clock, healthProbe: { check, intervalMs: 10 } });
    breaker.forceOpen();
    const pipelines = [pipeline(breaker)];
    await clock.advance(5);
    pipelines.push(pipeline(breaker));
    await clock.advance(5);
    expect([check.mock.calls.length, clock.pendingTimers]).toEqual([1, 1]);
    for (const one of pipelines) await one.close();
  });

  it('are made while an opening that was hydrated lasts', async () => {
    const check = vi.fn(() => true);
    const source = circuitBreaker({ clock, trip: consecutive(1) });
    source.forceOpen();
    const { breaker } = guarded(clock, { healthProbe: { check, intervalMs: 10 } });
    breaker.hydrate(source.toJSON());
    await clock.advance(10);
    expect(breaker.state).toBe('half-open');
  });

  it('do not keep the process alive', async () => {
    const setTimer = vi.spyOn(clock, 'setTimer');
    await opened(() => false);
    expect(setTimer).toHaveBeenCalledWith(1_000, expect.any(Function), true);
  });

  it('may command the breaker, and so may who is told of them', async () => {
    const { breaker } = await opened(() => breaker.reset());
    await clock.advance(1_000);
    expect([breaker.state, clock.pendingTimers]).toEqual(['closed', 0]);
    for (const answer of [true, false]) {
      const told = await opened(() => answer);
      told.breaker.events.on('circuit-health-checked', () => told.breaker.reset());
      await clock.advance(1_000);
      expect([told.breaker.state, clock.pendingTimers]).toEqual(['closed', 0]);
    }
    const hung = await opened(hangs);
    hung.breaker.events.on('circuit-health-checked', () => hung.breaker.reset());
    await clock.advance(2_000);
    expect([hung.breaker.state, hung.check.mock.calls.length, clock.pendingTimers]).toEqual(['closed', 1, 0]);
  });

  it('are stopped, and not begun, by a breaker that was closed in the moment in which it opened', async () => {
    const { breaker, calls } = await opened(hangs);
    breaker.reset();
    breaker.events.on('circuit-opened', () => breaker.reset());
    await fail(calls);
    expect([breaker.state, clock.pendingTimers]).toEqual(['closed', 0]);
  });

  it('leave no timer behind, whatever happens', async () => {
    const script = fc.array(
      fc.oneof(
        fc.constantFrom('fail', 'succeed', 'isolate', 'forceOpen', 'forceHalfOpen', 'reset', 'answer', 'refuse'),
        fc.integer({ min: 1, max: 40 }),
      ),
      { maxLength: 30 },
    );
    const property = fc.asyncProperty(script, async (steps) => {
      clock = new VirtualClock();
      const answers: Deferred<string>[] = [];
      const check = () => {
        answers.push(deferred());
        return answers.at(-1)!.promise;
      };
      const { breaker, calls } = guarded(clock, { breakMs: 50, healthProbe: { check, intervalMs: 20 } });
      for (const step of steps) {
        if (typeof step === 'number') await clock.advance(step);
        else if (step === 'fail') await calls.tryExecute(() => Promise.reject(new Error('down')));
        else if (step === 'succeed') await calls.tryExecute(up);
        else if (step === 'answer') answers.at(-1)?.resolve('fine');
        else if (step === 'refuse') answers.at(-1)?.reject(new Error('ill'));
        else breaker[step as 'isolate']();
        await clock.advance(0);
        expect(clock.pendingTimers).toBe(breaker.state === 'open' ? 1 : 0);
      }
      await calls.close();
      expect(clock.pendingTimers).toBe(0);
    });
    await fc.assert(property, propertyRuns(100));
  });
});

describe('the options of a health probe', () => {
  const check = () => true;
  it.each([
    null,
    check,
    {},
    { check },
    { intervalMs: 10 },
    { check: 'GET /health', intervalMs: 10 },
    { check, intervalMs: 0 },
    { check, intervalMs: 10, timeoutMs: 5 },
  ])('are refused when they can not be meant (%#)', (healthProbe) => {
    expect(() => circuitBreaker({ healthProbe } as never)).toThrow(
      expect.objectContaining({ faults: [expect.objectContaining({ path: 'circuitBreaker.healthProbe' })] }),
    );
  });
});
