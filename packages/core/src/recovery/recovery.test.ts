import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { errorCatalog } from '../errors/catalog.ts';
import { BreakwaterError } from '../errors/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import {
  degrading,
  failing,
  fallingBack,
  type Recovery,
  recovery,
  type RecoveryStrategy,
  retrying,
  skipped,
  skipping,
  type Skipped,
  waiting,
} from './index.ts';

const down = (status = 503): Error => Object.assign(new Error('down'), { status });
const refused = (retryAfterMs?: number): Error => Object.assign(new Error('slow down'), { status: 429, retryAfterMs });
const half = { next: () => 0.5 };

/** A function that fails with these errors in turn, and then answers. */
function failingWith(...errors: readonly unknown[]) {
  let calls = 0;
  return vi.fn(async () => {
    if (calls < errors.length) throw errors[calls++];
    return 'answer';
  });
}

describe('a recovery', () => {
  it('does about an error what is said of its category, or of its code, which goes before', async () => {
    const calls = pipeline(
      recovery({
        by: {
          external_service: fallingBack(() => 'from the category'),
          API_500: fallingBack(() => 'from the code'),
          parsing: skipping(),
        },
        otherwise: degrading(() => 'from nowhere'),
      }),
    );
    await expect(calls.execute(failingWith(down(503)))).resolves.toBe('from the category');
    await expect(calls.execute(failingWith(down(500)))).resolves.toBe('from the code');
    await expect(calls.execute(failingWith(new SyntaxError('?')))).resolves.toBe(skipped);
    await expect(calls.execute(failingWith(new TypeError('bug')))).resolves.toBe('from nowhere');
    await expect(calls.execute(failingWith())).resolves.toBe('answer');
  });

  it('fails with the error itself where nothing is said of it, or that it is to fail', async () => {
    const error = new TypeError('bug');
    const other = down();
    const calls = pipeline(recovery({ by: { external_service: [failing(), fallingBack(() => 'never')] } }));
    expect(await rejection(calls.execute(failingWith(error)))).toBe(error);
    expect(await rejection(calls.execute(failingWith(other)))).toBe(other);
  });

  it('tries again as often as it may, with waits that grow and are drawn, and then asks the next strategy', async () => {
    const clock = new VirtualClock();
    const policy = recovery({
      random: half,
      by: { external_service: [retrying({ maxAttempts: 3 }), fallingBack(() => 'older')] },
    });
    const calls = pipeline({ clock }, policy);
    const waits: number[] = [];
    calls.on('recovery-retry', ({ delayMs, strategy, category, code }) => {
      expect([strategy, category, code]).toEqual(['retry', 'external_service', 'API_503']);
      waits.push(delayMs);
    });
    const fn = failingWith(down(), down(), down(), down());
    const call = watched(calls.execute(fn));
    await clock.advance(99);
    expect(fn).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(fn).toHaveBeenCalledTimes(2);
    await clock.advance(200);
    expect(call.value).toBe('older');
    expect(waits).toEqual([100, 200]);
    expect(policy.statistics).toEqual({ succeeded: 0, substituted: 1, failed: 0, acted: { retry: 2, 'fall-back': 1 } });
  });

  it('counts what became of calls, and what strategies did', async () => {
    const policy = recovery({
      by: { external_service: retrying({ delayMs: 0, maxAttempts: 2 }), parsing: skipping(), rate_limit: failing() },
    });
    const calls = pipeline(policy);
    for (const errors of [[], [], [down()], [new SyntaxError('?')], [down(), down()], [refused()], [new TypeError()]])
      await calls.execute(failingWith(...errors)).catch(() => undefined);
    expect(policy.statistics).toEqual({
      ...{ succeeded: 3, substituted: 1, failed: 3 },
      acted: { retry: 2, skip: 1, fail: 3 },
    });
  });

  it('tells of each substitute', async () => {
    const told: unknown[] = [];
    const error = down();
    const calls = pipeline(recovery({ name: 'shop', by: { external_service: fallingBack(() => 'older') } }));
    calls.on('recovered', (event) => told.push(event));
    await calls.execute(failingWith(error), { key: 'sku' });
    expect(told).toMatchObject([
      {
        ...{ policy: 'shop', key: 'sku', strategy: 'fall-back', outcome: 'success', error },
        ...{ category: 'external_service', code: 'API_503' },
      },
    ]);
  });

  it('draws its waits from those of the user, and waits at once as well as late', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, recovery({ random: half, by: { external_service: retrying({ delayMs: 400 }) } }));
    const call = watched(calls.execute(failingWith(down())));
    await clock.advance(199);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toBe('answer');
    const limits = recovery({ by: { external_service: retrying(), rate_limit: waiting({ jitterRatio: 0 }) } });
    const longest = [Object.assign(down(), { retryAfterMs: 60_000 }), refused(60_000)];
    const patient = longest.map((error) => watched(pipeline({ clock }, limits).execute(failingWith(error))));
    await clock.advance(60_000);
    expect(patient.map(({ value }) => value)).toEqual(['answer', 'answer']);
    const tooLong = Object.assign(down(), { retryAfterMs: 60_001 });
    const fresh = pipeline({ clock: new VirtualClock() }, recovery({ by: { external_service: retrying() } }));
    expect(await rejection(fresh.execute(failingWith(tooLong)))).toBe(tooLong);
  });

  it('does not try again what no other try can mend', async () => {
    const calls = pipeline(
      recovery({ by: { external_service: retrying({ delayMs: 0 }), circuit_breaker: retrying({ delayMs: 0 }) } }),
    );
    for (const error of [
      down(501),
      Object.assign(down(), { retryable: false }),
      new BreakwaterError('open', { code: 'CIRCUIT_OPEN', category: 'circuit_breaker' }),
    ]) {
      const fn = failingWith(error);
      expect(await rejection(calls.execute(fn))).toBe(error);
      expect(fn).toHaveBeenCalledTimes(1);
    }
  });

  it('tries again when the error says, unless that is too late', async () => {
    const clock = new VirtualClock();
    const policy = recovery({
      by: { external_service: [retrying({ maxRetryAfterMs: 500 }), fallingBack(() => 'older')] },
    });
    const calls = pipeline({ clock }, policy);
    const call = watched(calls.execute(failingWith(Object.assign(down(), { retryAfterMs: 500 }))));
    await clock.advance(499);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toBe('answer');
    await expect(calls.execute(failingWith(Object.assign(down(), { retryAfterMs: 501 })))).resolves.toBe('older');
  });

  it('takes a delay of the user, and none for one that is no number', async () => {
    const clock = new VirtualClock();
    const delays = [40, Number.NaN, -5, Infinity];
    const strategy = retrying({ maxAttempts: 5, delayMs: (failed) => delays[failed - 1]! });
    const calls = pipeline({ clock }, recovery({ random: half, by: { external_service: strategy } }));
    const call = watched(calls.execute(failingWith(down(), down(), down(), down())));
    await clock.advance(19);
    expect(call.state).toBe('pending');
    await clock.advance(1);
    expect(call.value).toBe('answer');
  });

  it('waits as long as an error says, never less and a tenth more at most, and for a while where it does not say', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, recovery({ random: half, by: { rate_limit: waiting({ waitMs: 300 }) } }));
    const fn = failingWith(refused(1_000), refused());
    const call = watched(calls.execute(fn));
    await clock.advance(1_049);
    expect(fn).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    expect(fn).toHaveBeenCalledTimes(2);
    await clock.advance(315);
    expect(call.value).toBe('answer');
  });

  it('does not wait longer than it may, nor more often, nor where no time is left', async () => {
    const clock = new VirtualClock();
    const impatient = recovery({ by: { rate_limit: waiting({ maxWaitMs: 100, maxWaits: 2, jitterRatio: 0 }) } });
    const calls = pipeline({ clock }, impatient);
    expect(await rejection(calls.execute(failingWith(refused(101))))).toMatchObject({ status: 429 });
    const fn = failingWith(refused(50), refused(50), refused(50));
    const call = watched(calls.execute(fn));
    await clock.advance(100);
    expect([call.state, fn.mock.calls.length]).toEqual(['rejected', 3]);
    expect(await rejection(calls.execute(failingWith(refused(50)), { deadlineMs: 50 }))).toMatchObject({ status: 429 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts for each strategy of a call on its own', async () => {
    const clock = new VirtualClock();
    const calls = pipeline(
      { clock },
      recovery({ by: { rate_limit: waiting({ maxWaits: 1 }), external_service: retrying({ maxAttempts: 2 }) } }),
    );
    const call = watched(calls.execute(failingWith(refused(10), down())));
    await clock.advance(1_000);
    expect(call.value).toBe('answer');
  });

  it('asks the next strategy when a substitute fails, and fails with what that failed with and the first error as cause', async () => {
    const first = down();
    const last = new Error('the replica too');
    const fail = (error: Error) => fallingBack<never>(async () => Promise.reject(error));
    const saved = pipeline(recovery({ by: { external_service: [fail(last), degrading(() => 'older')] } }));
    await expect(saved.execute(failingWith(first))).resolves.toBe('older');
    const told: unknown[] = [];
    const atOnce = fallingBack<never>(() => {
      throw new Error('first replica');
    });
    const lost = pipeline(recovery({ by: { external_service: [atOnce, fail(last)] } }));
    lost.on('recovered', ({ strategy, outcome, error }) => told.push([strategy, outcome, error]));
    expect(await rejection(lost.execute(failingWith(first)))).toBe(last);
    expect(last.cause).toBe(first);
    expect(told).toEqual([
      ['fall-back', 'failure', first],
      ['fall-back', 'failure', first],
    ]);
  });

  it('goes in again after a substitute that had to be waited for has failed', async () => {
    const clock = new VirtualClock();
    const failed = fallingBack<never>(async () => Promise.reject(new Error('no replica')));
    const instant = pipeline(recovery({ by: { external_service: [failed, retrying({ delayMs: 0 })] } }));
    await expect(instant.execute(failingWith(down()))).resolves.toBe('answer');
    const later = pipeline({ clock }, recovery({ by: { external_service: [failed, waiting({ waitMs: 10 })] } }));
    const call = watched(later.execute(failingWith(down())));
    await clock.advance(11);
    expect(call.value).toBe('answer');
  });

  it('ends at once when it is aborted, while it waits or makes a substitute, and lets go of everything', async () => {
    const clock = new VirtualClock();
    const late = deferred();
    let inner!: AbortSignal;
    const policy = recovery({
      by: {
        rate_limit: waiting(),
        external_service: fallingBack((_error, { signal }) => ((inner = signal), late.promise)),
      },
    });
    const calls = pipeline({ clock }, policy);
    const controllers = [new AbortController(), new AbortController()];
    const fn = failingWith(refused(100));
    const waits = watched(calls.execute(fn, { signal: controllers[0]!.signal }));
    const makes = watched(calls.execute(failingWith(down()), { signal: controllers[1]!.signal }));
    await microtasks();
    for (const controller of controllers) controller.abort('left');
    await microtasks();
    late.reject(new Error('late'));
    await clock.advance(1_000);
    expect([waits.error, makes.error, inner.aborted]).toEqual(['left', 'left', true]);
    expect([fn.mock.calls.length, calls.busy, clock.pendingTimers]).toEqual([1, 0, 0]);
    expect(policy.statistics).toMatchObject({ succeeded: 0, substituted: 0, failed: 0 });
  });

  it('ends with its deadline, which counts as a failure', async () => {
    const clock = new VirtualClock();
    const failures: unknown[] = [];
    const policy = recovery({
      by: { external_service: fallingBack(() => deferred().promise) },
      tracker: { success: () => undefined, failure: (error) => failures.push(error) },
    });
    const call = watched(pipeline({ clock }, policy).execute(failingWith(down()), { deadlineMs: 10 }));
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect([policy.statistics.failed, failures]).toEqual([1, [call.error]]);
  });

  it('is degraded from the first poorer answer to the next good one, and tells when that begins and ends', async () => {
    const clock = new VirtualClock();
    const policy = recovery({
      by: { external_service: degrading(() => []) },
      otherwise: fallingBack(() => ['as good']),
    });
    const calls = pipeline({ clock }, policy);
    const told: unknown[] = [];
    await clock.advance(1_000);
    calls.on('degraded', ({ category, code }) => told.push([category, code]));
    calls.on('restored', ({ durationMs }) => told.push(durationMs));
    await calls.execute(failingWith(new TypeError('bug')));
    await calls.execute(failingWith());
    expect([policy.degradation, told]).toEqual([undefined, []]);
    await calls.execute(failingWith(down()));
    expect(told).toHaveLength(1);
    await calls.execute(failingWith(down()));
    expect(policy.degradation).toMatchObject({ category: 'external_service', code: 'API_503', calls: 2 });
    await clock.advance(500);
    await calls.execute(failingWith());
    expect(policy.degradation).toBeUndefined();
    expect(told).toEqual([['external_service', 'API_503'], 500]);
  });

  it('tells a tracker how each call ended, once: a substitute does not hide the failure, another try that went well does', async () => {
    const told: unknown[] = [];
    const tracker = {
      success: () => told.push('success'),
      failure: (error: unknown, facts: unknown) => told.push([(error as Error).message, facts]),
    };
    const calls = pipeline(
      recovery({
        tracker,
        by: { external_service: retrying({ delayMs: 0 }), rate_limit: skipping() },
      }),
    );
    await calls.execute(failingWith(down()));
    await calls.execute(failingWith(refused()), { key: 'row 2' });
    await rejection(calls.execute(failingWith(new TypeError('bug'))));
    expect(told).toEqual([
      'success',
      ['slow down', { key: 'row 2', attempt: 1, context: { recovery: 'skip' } }],
      ['bug', { key: undefined, attempt: 1, context: { recovery: 'fail' } }],
    ]);
  });

  it('writes down what it skips where it is told to, and does not skip what can not be written down', async () => {
    const written: unknown[] = [];
    const to = {
      add: async (item: unknown, error: unknown, facts: unknown) => {
        if (item === 'full') throw new Error('full');
        written.push([item, (error as Error).message, facts]);
      },
    };
    const error = new SyntaxError('not JSON');
    const byKey = pipeline(recovery({ by: { parsing: skipping({ to }) } }));
    await expect(byKey.execute(failingWith(error), { key: 'row 1' })).resolves.toBe(skipped);
    const byItem = pipeline(recovery({ by: { parsing: skipping({ to, item: ({ key }) => `item of ${key}` }) } }));
    await expect(byItem.execute(failingWith(error), { key: 'row 2' })).resolves.toEqual({ outcome: 'skipped' });
    const retried = pipeline(
      recovery({ by: { parsing: skipping({ to }), external_service: retrying({ delayMs: 0 }) } }),
    );
    await expect(retried.execute(failingWith(down(), error))).resolves.toBe(skipped);
    expect(written).toEqual([
      ['row 1', 'not JSON', { key: 'row 1', attempts: 1 }],
      ['item of row 2', 'not JSON', { key: 'row 2', attempts: 1 }],
      [undefined, 'not JSON', { attempts: 2 }],
    ]);
    expect(await rejection(byKey.execute(failingWith(error), { key: 'full' }))).toMatchObject({
      message: 'full',
      cause: error,
    });
  });

  it('goes on where a strategy, a catalog or a tracker of the user throws, and tells that', async () => {
    const bug = new RangeError('bug');
    const raise = (): never => {
      throw bug;
    };
    const broken: RecoveryStrategy<never> = { kind: 'own', next: raise };
    const calls = pipeline(
      recovery({
        by: { external_service: [broken, fallingBack(() => 'older')] },
        classify: raise,
        tracker: { success: raise, failure: raise },
      }),
    );
    const hooks: string[] = [];
    calls.on('hook-failed', ({ hook, error }) => {
      expect(error).toBe(bug);
      hooks.push(hook);
    });
    await expect(calls.execute(failingWith(down()))).resolves.toBe('older');
    await expect(calls.execute(failingWith())).resolves.toBe('answer');
    expect(hooks).toEqual(['classify', 'own.next', 'tracker', 'tracker']);
  });

  it("knows an application's own categories by its catalog", async () => {
    const catalog = errorCatalog({
      categories: { stock: { status: 409, title: 'No stock', retryable: false } },
      errors: [{ code: 'OUT_OF_STOCK', category: 'stock' }],
    });
    const policy = recovery({ by: { stock: skipping() }, classify: (error) => catalog.classify(error) });
    await expect(pipeline(policy).execute(failingWith(catalog.error('OUT_OF_STOCK')))).resolves.toBe(skipped);
  });

  it('works in a call without promises, as long as nothing has to wait', () => {
    const policy = recovery({
      by: { external_service: [retrying({ maxAttempts: 9 }), fallingBack(() => 'older')], rate_limit: waiting() },
    });
    const calls = pipeline(policy);
    const raise = (error: Error) => (): string => {
      throw error;
    };
    expect(calls.executeSync(raise(down()))).toBe('older');
    let failures = 0;
    const instant = pipeline(recovery({ by: { external_service: retrying({ delayMs: 0 }) } }));
    expect(instant.executeSync(() => (failures++ === 0 ? raise(down())() : 'answer'))).toBe('answer');
    expect(() => calls.executeSync(raise(refused()))).toThrow('slow down');
  });

  it('adds to the type of a result what its strategies may give, and nothing for those that give nothing', () => {
    const full = recovery({
      by: { database: [retrying(), fallingBack(() => 1)], parsing: skipping() },
      otherwise: degrading(async () => 'old'),
    });
    expectTypeOf(full).toEqualTypeOf<Recovery<number | string | Skipped>>();
    expectTypeOf(recovery({ by: { network: retrying() } })).toEqualTypeOf<Recovery<never>>();
    const calls = pipeline(full);
    expectTypeOf(calls.execute(async () => true)).resolves.toEqualTypeOf<boolean | number | string | Skipped>();
  });

  it.each([
    ['nothing', () => recovery({} as never)],
    ['a word for a strategy', () => recovery({ by: { network: 'retry' as never } })],
    ['an empty list of strategies', () => recovery({ by: { network: [] } })],
    ['no strategy otherwise', () => recovery({ by: {}, otherwise: {} as never })],
    ['no tracker', () => recovery({ by: {}, tracker: {} as never })],
    ['no attempt at all', () => retrying({ maxAttempts: 0 })],
    ['a jitter above the wait', () => waiting({ jitterRatio: 2 })],
    ['a word for a fallback', () => fallingBack('x' as never)],
    ['nothing to degrade to', () => degrading(undefined as never)],
    ['no dead letters', () => skipping({ to: {} as never })],
  ])('can not be made of %s', (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });
});
