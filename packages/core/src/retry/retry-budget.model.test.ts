/**
 * Retries and hedges of several pipelines that share one budget, against a reference model that knows nothing but lists:
 * who is in flight, whose further attempt is, when each wait ends. After every step of a random schedule both must agree
 * about every call and about the budget.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { type InFlightBudget, retryBudget } from '../gates/retry-budget.ts';
import { type TokenBudget, tokenBudget } from '../gates/token-budget.ts';
import { hedge } from '../hedge/hedge.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Pipeline } from '../pipeline/pipeline-contract.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { type Deferred, deferred, microtasks, type Watched, watched } from '../testing/test-support/watched.ts';
import { constant } from './backoff.ts';
import { retry } from './retry.ts';

const DELAY_MS = 10;
const MOST_ATTEMPTS = 3;
type Policy = 'retry' | 'other retry' | 'hedge';
type How = 'ok' | 'fail' | 'for good';

interface Settings {
  readonly form: 'in flight' | 'tokens';
  readonly maxRatio: number;
  readonly minConcurrency: number;
  readonly maxTokens: number;
  readonly tokenRatio: number;
}

/** What the reference model knows of one call. */
interface ModelCall {
  readonly policy: Policy;
  state: 'running' | 'waiting' | 'fulfilled' | 'rejected';
  attempts: number;
  dueAt: number;
  /** Whether its present attempt, or the one it waits for, is a further one. */
  further: boolean;
}

class Model {
  readonly calls: ModelCall[] = [];
  readonly settings: Settings;
  thousandths: number;
  now = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.thousandths = Math.round(settings.maxTokens * 1_000);
  }

  get inFlight(): ModelCall[] {
    return this.calls.filter(({ state }) => state === 'running' || state === 'waiting');
  }

  get further(): number {
    return this.inFlight.filter(({ further }) => further).length;
  }

  get limit(): number {
    const { maxRatio, minConcurrency } = this.settings;
    let share = 0;
    while ((share + 1) / this.inFlight.length <= maxRatio + 1e-12) share++;
    return Math.max(minConcurrency, share);
  }

  begin(policy: Policy): void {
    this.calls.push({ policy, state: 'running', attempts: 1, dueAt: Infinity, further: false });
  }

  settle(call: ModelCall, how: How): void {
    const full = Math.round(this.settings.maxTokens * 1_000);
    call.further = false;
    if (how === 'ok') {
      call.state = 'fulfilled';
      this.thousandths = Math.min(full, this.thousandths + Math.round(this.settings.tokenRatio * 1_000));
      return;
    }
    if (how === 'fail') this.thousandths = Math.max(0, this.thousandths - 1_000);
    const room = this.settings.form === 'tokens' ? this.thousandths > full / 2 : this.further + 1 <= this.limit;
    if (how === 'for good' || call.attempts === MOST_ATTEMPTS || !room) {
      call.state = 'rejected';
      return;
    }
    call.further = true;
    if (call.policy === 'hedge') call.attempts++;
    else Object.assign(call, { state: 'waiting', dueAt: this.now + DELAY_MS });
  }

  advance(ms: number): void {
    this.now += ms;
    for (const call of this.calls) {
      if (call.state !== 'waiting' || call.dueAt > this.now) continue;
      call.state = 'running';
      call.attempts++;
    }
  }
}

/** One call of the real thing. */
interface RealCall {
  readonly controller: AbortController;
  readonly runs: Deferred<string>[];
  readonly end: Watched<string>;
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('begin' as const),
        policy: fc.constantFrom<Policy>('retry', 'other retry', 'hedge'),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        which: fc.nat(30),
        how: fc.constantFrom<How>('ok', 'fail', 'fail', 'fail', 'for good'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(30) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 4, 10, 25, 86_400_000) }),
    },
  ),
  { minLength: 5, maxLength: 30 },
);

const settings: fc.Arbitrary<Settings> = fc.record({
  form: fc.constantFrom('in flight' as const, 'tokens' as const),
  maxRatio: fc.constantFrom(0.1, 0.2, 0.29, 0.5, 1),
  minConcurrency: fc.integer({ min: 0, max: 3 }),
  maxTokens: fc.constantFrom(2, 3.5, 6, 10),
  tokenRatio: fc.constantFrom(0.1, 0.25, 1),
});

class Real {
  readonly clock: VirtualClock = new VirtualClock();
  readonly budget: InFlightBudget | TokenBudget;
  readonly calls: RealCall[] = [];
  readonly pipelines: Readonly<Record<Policy, Pick<Pipeline, 'execute' | 'busy'>>>;

  constructor({ form, maxRatio, minConcurrency, maxTokens, tokenRatio }: Settings) {
    this.budget =
      form === 'tokens' ? tokenBudget({ maxTokens, tokenRatio }) : retryBudget({ maxRatio, minConcurrency });
    const { budget, clock } = this;
    const again = { budget, backoff: constant(DELAY_MS), jitter: 'none', maxAttempts: MOST_ATTEMPTS } as const;
    this.pipelines = {
      retry: pipeline({ clock }, retry(again)),
      'other retry': pipeline({ clock }, retry(again)),
      hedge: pipeline({ clock }, hedge({ budget, delayMs: 'on-failure', maxAttempts: MOST_ATTEMPTS })),
    };
  }

  begin(policy: Policy): void {
    const runs: Deferred<string>[] = [];
    const fn = (): Promise<string> => {
      const run = deferred();
      runs.push(run);
      return run.promise;
    };
    const controller = new AbortController();
    const end = watched(this.pipelines[policy].execute(fn, { signal: controller.signal }));
    this.calls.push({ controller, runs, end });
  }

  settle({ runs }: RealCall, how: How): void {
    const run = runs.at(-1)!;
    if (how === 'ok') run.resolve('item');
    else run.reject(Object.assign(new Error(how), { retryable: how === 'fail' }));
  }
}

function furtherOf({ budget }: Real): number {
  return 'retriesInFlight' in budget ? budget.retriesInFlight : 0;
}

function compare(real: Real, model: Model): void {
  const seen = real.calls.map(({ end, runs }) => [end.state, runs.length]);
  const meant = model.calls.map(({ state, attempts }) => [
    state === 'running' || state === 'waiting' ? 'pending' : state,
    attempts,
  ]);
  expect(seen).toEqual(meant);
  const { budget } = real;
  if ('tokens' in budget) expect(budget.tokens).toBe(model.thousandths / 1_000);
  else {
    const { callsInFlight, retriesInFlight, maxRetriesInFlight } = budget;
    expect([callsInFlight, retriesInFlight, maxRetriesInFlight]).toEqual([
      model.inFlight.length,
      model.further,
      model.limit,
    ]);
  }
  expect(real.clock.pendingTimers).toBe(model.calls.filter(({ state }) => state === 'waiting').length);
}

describe('a budget that retries and hedges share', () => {
  it('admits what a list of all that is in flight, or a sum of all outcomes, would, and has all back in the end', async () => {
    const property = fc.asyncProperty(settings, steps, async (given, script) => {
      const [real, model] = [new Real(given), new Model(given)];
      const pick = (which: number, states: readonly string[]): number | undefined => {
        const all = model.calls.flatMap(({ state }, index) => (states.includes(state) ? [index] : []));
        return all.length === 0 ? undefined : all[which % all.length];
      };
      for (const step of script) {
        if (step.do === 'begin') {
          real.begin(step.policy);
          model.begin(step.policy);
        } else if (step.do === 'settle') {
          const index = pick(step.which, ['running']);
          if (index === undefined) continue;
          model.settle(model.calls[index]!, step.how);
          real.settle(real.calls[index]!, step.how);
        } else if (step.do === 'abort') {
          const index = pick(step.which, ['running', 'waiting']);
          if (index === undefined) continue;
          real.calls[index]!.controller.abort('left');
          Object.assign(model.calls[index]!, { state: 'rejected', further: false });
        } else {
          await real.clock.advance(step.ms);
          model.advance(step.ms);
        }
        const before = furtherOf(real);
        await microtasks(6);
        // Fewer calls may make the bound fall below what is in flight, but nothing is admitted beyond it.
        if (furtherOf(real) > before) expect(furtherOf(real)).toBeLessThanOrEqual(model.limit);
        compare(real, model);
      }
      for (const [index, { state }] of model.calls.entries()) {
        // What comes late, from calls that were aborted too, changes nothing any more.
        real.calls[index]!.controller.abort('over');
        for (const run of real.calls[index]!.runs) run.reject(new Error('late'));
        if (state === 'running' || state === 'waiting')
          Object.assign(model.calls[index]!, { state: 'rejected', further: false });
      }
      await microtasks(6);
      compare(real, model);
      expect(real.calls.every(({ end }) => end.settled === 1)).toBe(true);
      expect(Object.values(real.pipelines).map(({ busy }) => busy)).toEqual([0, 0, 0]);
    });
    await fc.assert(property, modelRuns());
  });
});
