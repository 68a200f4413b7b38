import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { EventChannel } from '../events/channel.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { failure, type Outcome, success } from '../policy/outcome.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { hedge } from './hedge.ts';
import { type HedgeOptions } from './options.ts';
import { Attempts } from './test-support/attempts.ts';
import { hedgedCall } from './test-support/hedged-call.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const down = new Error('down');

const hedged = (options: HedgeOptions, signal?: AbortSignal) => hedgedCall(clock, options, signal);

describe('losers', () => {
  it('are not waited for by the call, but by the end of the pipeline', async () => {
    const { attempts, call, calls } = hedged({ delayMs: 0, maxAttempts: 3 });
    attempts.answer(2, 'item');
    await microtasks();
    expect([call.state, calls.busy]).toEqual(['fulfilled', 2]);
    const closed = watched(calls.close());
    attempts.fail(1, attempts.contexts[0]!.signal.reason);
    await microtasks();
    expect(closed.state).toBe('pending');
    attempts.answer(3, 'late');
    await microtasks();
    expect(closed.value).toBe(0);
  });

  it('that end late become events, and change nothing', async () => {
    const { attempts, call, calls, policy } = hedged({ delayMs: 0, maxAttempts: 3 });
    const late: unknown[] = [];
    calls.on('late-result', ({ attempt, outcome }) => late.push([attempt, outcome]));
    attempts.answer(1, 'item');
    await microtasks();
    const before = policy.statistics;
    attempts.answer(2, 'late');
    attempts.fail(3, down);
    await microtasks();
    expect(late).toEqual([
      [2, 'success'],
      [3, 'failure'],
    ]);
    expect([call.settled, call.value, policy.statistics]).toMatchObject([1, { value: 'item' }, before]);
  });

  it('leave no rejection unhandled', async () => {
    const fn = ({ attempt, signal }: { attempt: number; signal: AbortSignal }): Promise<string> =>
      attempt === 1
        ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        : Promise.resolve('item');
    await expect(pipeline({ clock }, hedge({ delayMs: 0 })).execute(fn)).resolves.toBe('item');
    await clock.advance(1);
  });
});

describe('a hedged call that is ended from outside', () => {
  it('by its caller ends at once, all attempts are aborted with the reason, and no timer or listener is left', async () => {
    const counted = countedController();
    const { attempts, call, calls, policy } = hedged({ delayMs: 100, maxAttempts: 4 }, counted.signal);
    await clock.advance(150);
    expect(counted.listening).toBe(1);
    counted.controller.abort(down);
    await microtasks(3);
    expect((call.value as { error: unknown }).error).toBe(down);
    expect(attempts.contexts.map((context) => context.signal.reason)).toEqual([down, down]);
    expect([clock.pendingTimers, counted.listening]).toEqual([0, 0]);
    await clock.advance(1_000);
    expect([attempts.begun, calls.busy]).toEqual([2, 2]);
    expect(policy.statistics).toMatchObject({ calls: 1, failed: 1 });
  });

  it('by its deadline ends on time', async () => {
    const policy = hedge({ delayMs: 100, maxAttempts: 9 });
    const attempts = new Attempts();
    const call = watched(pipeline({ clock }, policy).execute(attempts.fn, { deadlineMs: 250 }));
    await clock.advance(250);
    expect(call.error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect([attempts.begun, attempts.aborted, clock.pendingTimers]).toEqual([3, [1, 2, 3], 0]);
  });

  it.each(['hedge', 'hedge-refused', 'hedge-attempt-failed', 'hedge-won'] as const)(
    'by a listener of %s ends as that wants, once, and begins no other attempt',
    async (type) => {
      const controller = new AbortController();
      const refusing = type === 'hedge-refused';
      const budget = {
        callBegan: () => undefined,
        callEnded: vi.fn(),
        attemptEnded: () => undefined,
        tryTake: () => !refusing,
        giveBack: vi.fn(),
      };
      const { attempts, call, calls, policy } = hedged({ delayMs: 100, maxAttempts: 3, budget }, controller.signal);
      calls.on(type, () => controller.abort('left'));
      await clock.advance(50);
      if (type === 'hedge-attempt-failed') attempts.fail(1, down);
      await clock.advance(50);
      if (type === 'hedge-won') attempts.answer(2, 'item');
      await clock.advance(1_000);
      expect(call).toMatchObject({ settled: 1, value: { ok: false, error: 'left' } });
      const begun = type === 'hedge-won' ? 2 : 1;
      expect([attempts.begun, clock.pendingTimers]).toEqual([begun, 0]);
      const taken = type === 'hedge' || type === 'hedge-won' ? 1 : 0;
      expect([budget.giveBack.mock.calls.length, budget.callEnded.mock.calls.length]).toEqual([taken, 1]);
      const { calls: counted, failed, answeredByHedge } = policy.statistics;
      expect([counted, failed + answeredByHedge]).toEqual([1, 1]);
    },
  );

  it.each(['error', 'result'])('by its own condition on an %s ends once, and nothing more is told', async (what) => {
    const controller = new AbortController();
    const ending = (): boolean => {
      controller.abort('left');
      return what === 'error';
    };
    const options: HedgeOptions = what === 'error' ? { hedgeIf: ending } : { hedgeResultIf: ending };
    const { attempts, call, policy, events } = hedged({ delayMs: 'on-failure', ...options }, controller.signal);
    if (what === 'error') attempts.fail(1, down);
    else attempts.answer(1, 'item');
    await microtasks();
    expect(call).toMatchObject({ settled: 1, value: { error: 'left' } });
    expect([attempts.begun, events]).toEqual([1, []]);
    expect(policy.statistics).toMatchObject({ answeredByFirst: 0, failed: 1 });
  });

  it('by its first attempt, before that returns, begins no other', async () => {
    const controller = new AbortController();
    const fn = vi.fn(() => {
      controller.abort('left');
      return deferred().promise;
    });
    const calls = pipeline({ clock }, hedge({ delayMs: 0, maxAttempts: 3 }));
    expect(await rejection(calls.execute(fn, { signal: controller.signal }))).toBe('left');
    expect(fn).toHaveBeenCalledTimes(1);
  });
});

describe('an outcome that is there at once', () => {
  it.each([1, 2])('is the answer of the hook that begins the call (attempt %i)', (attempt) => {
    const complete = vi.fn();
    let runs = 0;
    const call = {
      root: {},
      keep: () => undefined,
      wants: () => false,
      complete,
      cancelForks: () => undefined,
      remainingMs: () => Infinity,
      fork: (_at: number, done: (outcome: Outcome) => void) => done(++runs < attempt ? failure(down) : success('item')),
    };
    expect(hedge({ clock, delayMs: 'on-failure' }).enter(call as never, 0)).toMatchObject({ ok: true, value: 'item' });
    expect([runs, complete.mock.calls.length]).toEqual([attempt, 0]);
  });
});

describe('each attempt', () => {
  it('has the key and the priority of the call, its own signal, and what is left of the time', async () => {
    const attempts = new Attempts();
    const calls = pipeline({ clock, name: 'stock' }, hedge({ delayMs: 100 }));
    watched(calls.execute(attempts.fn, { key: 'k', priority: 'high', deadlineMs: 500 }));
    expect(attempts.contexts[0]!.remainingMs).toBe(500);
    await clock.advance(100);
    const [first, second] = attempts.contexts as [(typeof attempts.contexts)[0], (typeof attempts.contexts)[0]];
    for (const context of [first, second]) {
      expect(context).toMatchObject({ key: 'k', priority: 'high', pipeline: 'stock', remainingMs: 400 });
    }
    expect(first.signal).not.toBe(second.signal);
  });
});

describe('what a hedge tells', () => {
  it('is which attempt begins and why, what one failed with, and which one answered of how many', async () => {
    const { attempts, calls } = hedged({ delayMs: 100, maxAttempts: 3, name: 'twice' });
    const told: object[] = [];
    calls.on('*', (event) => told.push(event));
    attempts.fail(1, down);
    await clock.advance(100);
    attempts.answer(3, 'item');
    await microtasks();
    const common = { pipeline: 'stock', policy: 'twice', key: 'sku:1', timestamp: expect.any(Number) };
    expect(told.slice(0, 4)).toEqual([
      { type: 'hedge-attempt-failed', ...common, attempt: 1, error: down, outcome: 'failure' },
      { type: 'hedge', ...common, attempt: 2, cause: 'failure' },
      { type: 'hedge', ...common, attempt: 3, cause: 'delay' },
      { type: 'hedge-won', ...common, attempt: 3, attempts: 3, outcome: 'success' },
    ]);
  });

  it('is nothing where nobody listens', async () => {
    const emit = vi.spyOn(EventChannel.prototype, 'emit');
    const budget = retryBudget({ minConcurrency: 1 });
    const calls = pipeline({ clock }, hedge({ delayMs: 0, maxAttempts: 3, budget }));
    await calls.execute(({ attempt }) => (attempt === 1 ? Promise.reject(down) : Promise.resolve('item')));
    expect(emit).not.toHaveBeenCalled();
  });

  it('in numbers is how many calls, hedges and answers there were, and by whom', async () => {
    const policy = hedge({ delayMs: 'on-failure' });
    const calls = pipeline({ clock }, policy);
    const failUntil =
      (last: number) =>
      async ({ attempt }: { attempt: number }) => {
        if (attempt < last) throw down;
        return 'item';
      };
    for (const last of [1, 1, 2, 3]) await calls.tryExecute(failUntil(last));
    expect(policy.statistics).toEqual({
      calls: 4,
      hedges: 2,
      answeredByFirst: 2,
      answeredByHedge: 1,
      failed: 1,
      refusedByBudget: 0,
    });
  });
});
