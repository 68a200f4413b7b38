/**
 * Hedged calls against a reference model that keeps a list of attempts for each call and a list of what is due: under
 * any schedule of calls, answers, failures, aborts, deadlines and jumps of the clocks both must agree, after every step,
 * about every call, every attempt, every permit, timer and place in the budget.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bulkhead, bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { type InFlightBudget, retryBudget } from '../gates/retry-budget.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Pipeline } from '../pipeline/pipeline-contract.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { microtasks, type Watched, watched } from '../testing/test-support/watched.ts';
import { type Hedge, hedge } from './hedge.ts';
import { Attempts } from './test-support/attempts.ts';

type How = 'answer' | 'stale' | 'fail' | 'fail for good';

interface Settings {
  readonly delayMs: number | 'on-failure';
  readonly maxAttempts: number;
  readonly budget: { readonly maxRatio: number; readonly minConcurrency: number } | undefined;
}

/** What the reference model knows of one call. */
interface ModelCall {
  state: 'pending' | 'fulfilled' | 'rejected';
  readonly attempts: ('runs' | 'ended' | 'lost')[];
  /** What the first attempt failed with. */
  first: How | undefined;
  /** What the call ended with: a value, the message or the code of an error, the reason of an abort. */
  result: unknown;
  mayBegin: boolean;
  nextAt: number;
  /** The order in which waits were begun, for those that end at one moment. */
  waitNumber: number;
  readonly deadlineAt: number;
}

class Model {
  readonly calls: ModelCall[] = [];
  readonly settings: Settings;
  now = 0;
  waits = 0;
  late = 0;
  readonly counts = { hedges: 0, answeredByFirst: 0, answeredByHedge: 0, failed: 0, refusedByBudget: 0 };

  constructor(settings: Settings) {
    this.settings = settings;
  }

  get pending(): ModelCall[] {
    return this.calls.filter(({ state }) => state === 'pending');
  }

  get running(): number {
    return this.pending.flatMap(({ attempts }) => attempts).filter((state) => state === 'runs').length;
  }

  get further(): number {
    return this.pending.flatMap(({ attempts }) => attempts.slice(1)).filter((state) => state === 'runs').length;
  }

  begin(deadlineMs: number): void {
    const call: ModelCall = {
      state: 'pending',
      attempts: [],
      first: undefined,
      result: undefined,
      mayBegin: true,
      nextAt: Infinity,
      waitNumber: 0,
      deadlineAt: this.now + deadlineMs,
    };
    this.calls.push(call);
    this.start(call);
    while (this.settings.delayMs === 0 && this.another(call)) continue;
  }

  settle(call: ModelCall, index: number, how: How): void {
    if (call.attempts[index] === 'lost') {
      call.attempts[index] = 'ended';
      this.late++;
      return;
    }
    call.attempts[index] = 'ended';
    if (how === 'answer') {
      this.counts[index === 0 ? 'answeredByFirst' : 'answeredByHedge']++;
      return this.end(call, 'fulfilled', `answer ${index + 1}`);
    }
    if (index === 0) call.first = how;
    if (how === 'fail for good') Object.assign(call, { mayBegin: false, nextAt: Infinity });
    else if (this.another(call)) return;
    const goesOn = call.attempts.includes('runs') && !(index === 0 && how === 'fail for good');
    if (!goesOn) this.fail(call, `${call.first} 1`, call.first === 'stale' ? 'fulfilled' : 'rejected');
  }

  fail(call: ModelCall, result: unknown, state: 'fulfilled' | 'rejected' = 'rejected'): void {
    this.counts.failed++;
    this.end(call, state, result);
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = (call: ModelCall): number => Math.min(call.nextAt, call.deadlineAt);
      const [call] = this.pending
        .filter((one) => due(one) <= until)
        .sort((a, b) => due(a) - due(b) || a.waitNumber - b.waitNumber);
      if (call === undefined) break;
      this.now = due(call);
      if (call.deadlineAt <= this.now) this.fail(call, 'DEADLINE_EXCEEDED');
      else {
        call.nextAt = Infinity;
        this.another(call);
      }
    }
    this.now = until;
  }

  private another(call: ModelCall): boolean {
    const { maxAttempts, budget } = this.settings;
    if (call.state !== 'pending' || !call.mayBegin || call.attempts.length >= maxAttempts) return false;
    if (budget !== undefined) {
      const most = Math.max(budget.minConcurrency, Math.floor(budget.maxRatio * this.pending.length));
      if (this.further + 1 > most) {
        this.counts.refusedByBudget++;
        return false;
      }
    }
    this.counts.hedges++;
    this.start(call);
    return true;
  }

  private start(call: ModelCall): void {
    const { delayMs, maxAttempts } = this.settings;
    call.attempts.push('runs');
    const waits = typeof delayMs === 'number' && delayMs > 0 && call.attempts.length < maxAttempts;
    call.nextAt = waits ? this.now + delayMs : Infinity;
    call.waitNumber = ++this.waits;
  }

  private end(call: ModelCall, state: 'fulfilled' | 'rejected', result: unknown): void {
    Object.assign(call, { state, result });
    for (const [index, attempt] of call.attempts.entries()) if (attempt === 'runs') call.attempts[index] = 'lost';
  }
}

interface RealCall {
  readonly attempts: Attempts;
  readonly controller: AbortController;
  readonly end: Watched<string>;
}

class Real {
  readonly clock: VirtualClock = new VirtualClock();
  readonly budget: InFlightBudget | undefined;
  readonly policy: Hedge;
  readonly gate: Bulkhead = bulkhead({ maxConcurrent: Infinity });
  readonly pipeline: Pick<Pipeline, 'execute' | 'close' | 'busy'>;
  readonly calls: RealCall[] = [];
  late = 0;

  constructor({ delayMs, maxAttempts, budget }: Settings) {
    this.budget = budget === undefined ? undefined : retryBudget(budget);
    const hedgeResultIf = (value: unknown): boolean => String(value).startsWith('stale');
    this.policy = hedge({ delayMs, maxAttempts, budget: this.budget, hedgeResultIf });
    const calls = pipeline({ clock: this.clock }, this.policy, this.gate);
    calls.on('late-result', () => this.late++);
    this.pipeline = calls;
  }

  begin(deadlineMs: number): void {
    const attempts = new Attempts();
    const controller = new AbortController();
    const end = watched(this.pipeline.execute(attempts.fn, { signal: controller.signal, deadlineMs }));
    this.calls.push({ attempts, controller, end });
  }

  settle({ attempts }: RealCall, attempt: number, how: How): void {
    if (how === 'answer' || how === 'stale') attempts.answer(attempt, `${how} ${attempt}`);
    else attempts.fail(attempt, Object.assign(new Error(`${how} ${attempt}`), { retryable: how === 'fail' }));
  }
}

const delays = fc.constantFrom<number | 'on-failure'>(0, 5, 20, 'on-failure');

const settings: fc.Arbitrary<Settings> = fc.record({
  delayMs: delays,
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  budget: fc.option(
    fc.record({ maxRatio: fc.constantFrom(0.25, 0.5, 1), minConcurrency: fc.integer({ min: 0, max: 2 }) }),
    { nil: undefined },
  ),
});

const step = fc.oneof(
  {
    weight: 4,
    // Never at the very moment of a hedge: then either may come first.
    arbitrary: fc.record({ do: fc.constant('begin' as const), deadlineMs: fc.constantFrom(Infinity, 12.5, 60.5) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(60),
      how: fc.constantFrom<How>('answer', 'answer', 'stale', 'fail', 'fail', 'fail', 'fail for good'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(60) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 5, 7, 20, 86_400_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump the wall clock' as const), ms: fc.constantFrom(-3_600_000, 1e9) }),
  },
);

function resultOf({ value, error }: Watched<string>): unknown {
  if (error instanceof Error) return (error as { readonly code?: string }).code ?? error.message;
  return value ?? error;
}

function compare(real: Real, model: Model): void {
  const seen = real.calls.map(({ end, attempts }) => [end.state, attempts.begun, resultOf(end)]);
  expect(seen).toEqual(model.calls.map(({ state, attempts, result }) => [state, attempts.length, result]));
  for (const [index, { attempts, state }] of model.calls.entries()) {
    const { aborted } = real.calls[index]!.attempts;
    const lost = attempts.flatMap((attempt, at) => (attempt === 'lost' ? [at + 1] : []));
    for (const attempt of lost) expect(aborted).toContain(attempt);
    if (state === 'pending') expect(aborted).toEqual([]);
  }
  const { calls, ...counts } = real.policy.statistics;
  expect([calls, counts]).toEqual([model.calls.length, model.counts]);
  expect([real.gate.running, real.late]).toEqual([model.running, model.late]);
  if (real.budget !== undefined) {
    expect([real.budget.callsInFlight, real.budget.retriesInFlight]).toEqual([model.pending.length, model.further]);
  }
  const waits = model.pending.some(({ nextAt, deadlineAt }) => Math.min(nextAt, deadlineAt) < Infinity);
  expect(real.clock.pendingTimers).toBe(waits ? 1 : 0);
}

async function play(
  real: Real,
  model: Model,
  script: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
) {
  for (const action of script) {
    if (action.do === 'begin') {
      real.begin(action.deadlineMs);
      model.begin(action.deadlineMs);
    } else if (action.do === 'settle') {
      const open = model.calls.flatMap(({ attempts }, call) =>
        attempts.flatMap((attempt, index) => (attempt === 'ended' ? [] : [{ call, index }])),
      );
      if (open.length === 0) continue;
      const { call, index } = open[action.which % open.length]!;
      model.settle(model.calls[call]!, index, action.how);
      real.settle(real.calls[call]!, index + 1, action.how);
    } else if (action.do === 'abort') {
      const { pending } = model;
      if (pending.length === 0) continue;
      const call = pending[action.which % pending.length]!;
      model.fail(call, 'left');
      real.calls[model.calls.indexOf(call)]!.controller.abort('left');
    } else if (action.do === 'advance') {
      await real.clock.advance(action.ms);
      model.advance(action.ms);
    } else real.clock.jumpWallTime(action.ms);
    await microtasks(7);
    compare(real, model);
  }
}

describe('a hedge', () => {
  it('begins, ends and cancels attempts as a list of them and of what is due would, and leaves nothing behind', async () => {
    const property = fc.asyncProperty(
      settings,
      fc.array(step, { minLength: 4, maxLength: 28 }),
      async (given, script) => {
        const [real, model] = [new Real(given), new Model(given)];
        await play(real, model, script);
        for (const { controller } of real.calls) controller.abort('over');
        const open = (call: ModelCall): boolean => call.attempts.some((attempt) => attempt !== 'ended');
        const closed = watched(real.pipeline.close());
        await microtasks(7);
        expect(closed.state).toBe(model.calls.some(open) ? 'pending' : 'fulfilled');
        for (const { attempts } of real.calls) {
          for (let attempt = 1; attempt <= attempts.begun; attempt++) attempts.answer(attempt, 'late');
        }
        await microtasks(7);
        expect(closed.value).toBe(0);
        expect(real.calls.every(({ end }) => end.settled === 1)).toBe(true);
        expect([real.gate.running, real.clock.pendingTimers, real.pipeline.busy]).toEqual([0, 0, 0]);
        if (real.budget !== undefined) expect([real.budget.callsInFlight, real.budget.retriesInFlight]).toEqual([0, 0]);
      },
    );
    await fc.assert(property, modelRuns());
  });
});
