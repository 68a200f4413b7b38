/** Random schedules of calls, outcomes, aborts, permits taken by hand and jumps of the clocks, played to a bulkhead. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Pipeline } from '../../pipeline/pipeline-contract.ts';
import { type CountedController, countedController } from '../../testing/test-support/counted-signal.ts';
import { deferred, type Deferred, microtasks, watched, type Watched } from '../../testing/test-support/watched.ts';
import { timeout } from '../../timeout/timeout.ts';
import { type Bulkhead, bulkhead } from '../bulkhead.ts';
import type { Permit } from '../permit.ts';
import {
  CALL_WAIT_MS,
  CODE_WAIT_MS,
  NaiveBulkhead,
  PRIORITIES,
  type Settings,
  TIMEOUT_MS,
  type Urgency,
  type Visitor,
} from './naive-bulkhead.ts';

type Step =
  | { readonly do: 'call'; readonly priority: Urgency }
  | { readonly do: 'instant call'; readonly priority: Urgency; readonly brings?: Urgency }
  | { readonly do: 'acquire'; readonly priority: Urgency; readonly maxWaitMs: number | undefined }
  | { readonly do: 'tryAcquire'; readonly priority: Urgency }
  | { readonly do: 'finish'; readonly which: number; readonly ok: boolean }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'pass'; readonly ms: number; readonly wallMs: number };

const settings: fc.Arbitrary<Settings> = fc.record({
  maxConcurrent: fc.integer({ min: 1, max: 3 }),
  maxQueue: fc.integer({ min: 0, max: 4 }),
  releaseOn: fc.constantFrom('outcome' as const, 'settled' as const),
});

const priority = fc.constantFrom(...PRIORITIES);
const which = fc.nat(20);

const schedule: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('call' as const), priority }) },
    {
      weight: 3,
      arbitrary: fc.record(
        { do: fc.constant('instant call' as const), priority, brings: priority },
        { requiredKeys: ['do', 'priority'] },
      ),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('acquire' as const),
        priority,
        maxWaitMs: fc.constantFrom(undefined, 0, CODE_WAIT_MS),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('tryAcquire' as const), priority }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('finish' as const), which, ok: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(1, 10, 40, 5_000),
        wallMs: fc.constantFrom(0, -3_600_000, 86_400_000),
      }),
    },
  ),
  { minLength: 3, maxLength: 30 },
);

/** A visitor of the model at the real bulkhead. */
interface Real {
  readonly counted: CountedController;
  readonly answer: Deferred<string>;
  end: Watched<unknown>;
  started: boolean;
}

class World {
  private readonly clock: VirtualClock = new VirtualClock();
  private readonly gate: Bulkhead;
  private readonly calls: Pick<Pipeline, 'execute' | 'busy'>;
  private readonly model: NaiveBulkhead;
  private readonly real: Map<Visitor, Real> = new Map();
  /** In the order in which they got their permits. */
  private readonly started: Visitor[] = [];

  constructor(given: Settings) {
    this.gate = bulkhead({ ...given, maxQueueWaitMs: CALL_WAIT_MS });
    const calls = pipeline({ clock: this.clock }, this.gate, timeout({ timeoutMs: TIMEOUT_MS }));
    this.calls = calls;
    this.model = new NaiveBulkhead(given);
    calls.on('call-ended', ({ key }) => {
      const { brought } = this.model.visitors[Number(key)]!;
      if (brought !== undefined) this.call(brought);
    });
  }

  async play(step: Step): Promise<void> {
    const { model } = this;
    if (step.do === 'call') this.call(model.arrive('call', step.priority, CALL_WAIT_MS));
    else if (step.do === 'instant call') this.call(model.arrive('instant', step.priority, CALL_WAIT_MS, step.brings));
    else if (step.do === 'acquire') this.acquire(step.priority, step.maxWaitMs);
    else if (step.do === 'tryAcquire') this.tryAcquire(step.priority);
    else if (step.do === 'finish') this.finish(pick(model.of('running', 'left'), step.which), step.ok);
    else if (step.do === 'abort') this.abort(pick(model.of('waiting', 'running'), step.which));
    else {
      model.pass(step.ms);
      this.clock.jumpWallTime(step.wallMs);
      await this.clock.advance(step.ms);
    }
    await microtasks(6);
  }

  private enter(visitor: Visitor): Real {
    const real = { counted: countedController(), answer: deferred(), end: watched(Promise.resolve()), started: false };
    this.real.set(visitor, real);
    return real;
  }

  private call(visitor: Visitor): void {
    const real = this.enter(visitor);
    const fn = (): unknown => {
      this.start(visitor);
      return visitor.by === 'instant' ? 'item' : real.answer.promise;
    };
    const key = `${this.model.visitors.indexOf(visitor)}`;
    real.end = watched(this.calls.execute(fn, { priority: visitor.priority, signal: real.counted.signal, key }));
  }

  private acquire(urgency: Urgency, maxWaitMs: number | undefined): void {
    const visitor = this.model.arrive('code', urgency, Math.min(CALL_WAIT_MS, maxWaitMs ?? Infinity));
    const real = this.enter(visitor);
    const permit = this.gate.acquire({ priority: urgency, signal: real.counted.signal, maxWaitMs });
    real.end = watched(permit);
    void permit.then(
      () => this.start(visitor),
      () => undefined,
    );
  }

  private tryAcquire(urgency: Urgency): void {
    const visitor = this.model.arrive('code', urgency, 0);
    const real = this.enter(visitor);
    const permit = this.gate.tryAcquire({ priority: urgency });
    if (permit === undefined) return;
    real.end = watched(Promise.resolve(permit));
    this.start(visitor);
  }

  private start(visitor: Visitor): void {
    this.real.get(visitor)!.started = true;
    this.started.push(visitor);
  }

  private finish(visitor: Visitor | undefined, ok: boolean): void {
    if (visitor === undefined) return;
    const { answer, end } = this.real.get(visitor)!;
    this.model.end(visitor, 'done');
    if (visitor.by !== 'code') return ok ? answer.resolve('item') : answer.reject(new Error('down'));
    // Released twice, it still is one permit.
    (end.value as Permit).release();
    (end.value as Permit).release();
  }

  private abort(visitor: Visitor | undefined): void {
    // Whoever holds a permit of its own has nothing to abort any more.
    if (visitor === undefined || (visitor.by === 'code' && visitor.state === 'running')) return;
    this.model.abandon(visitor, 'aborted');
    this.real.get(visitor)!.counted.controller.abort('left');
  }

  /** What can be seen of the bulkhead is what the model says. */
  compare({ maxConcurrent }: Settings): void {
    const { model, gate } = this;
    expect([gate.running, gate.queued]).toEqual([model.holding, model.of('waiting').length]);
    expect(gate.running).toBeLessThanOrEqual(maxConcurrent);
    for (const visitor of model.visitors) {
      const { end, started, counted } = this.real.get(visitor)!;
      const { state, by } = visitor;
      const pending = state === 'waiting' || (state === 'running' && by === 'call');
      expect(end.state === 'pending').toBe(pending);
      expect(counted.listening).toBe(pending ? 1 : 0);
      if (state === 'running' || state === 'left' || state === 'done') expect(started).toBe(true);
      if (state === 'waiting' || state === 'full' || state === 'late') expect(started).toBe(false);
      if (state === 'full') expect(end.error).toMatchObject({ code: 'BULKHEAD_FULL' });
      if (state === 'aborted') expect(end.error).toBe('left');
    }
  }

  /** Lets everybody end, and sees that nothing is left of them. */
  async finishAll(): Promise<void> {
    for (let [visitor] = this.model.of('running', 'left'); visitor; [visitor] = this.model.of('running', 'left')) {
      this.finish(visitor, true);
      await microtasks(6);
    }
    expect([this.gate.running, this.gate.queued, this.calls.busy, this.clock.pendingTimers]).toEqual([0, 0, 0, 0]);
    const { admitted, refused, refusedAfterWait, withdrawn } = this.gate.statistics;
    expect(admitted).toBe(this.started.length);
    expect(admitted + refused + refusedAfterWait + withdrawn).toBe(this.model.visitors.length);
    // Code learns of its permit a microtask later than a function is called, so each has an order of its own.
    for (const urgency of PRIORITIES) {
      for (const byHand of [true, false]) {
        const alike = this.started.filter(
          (visitor) => visitor.priority === urgency && (visitor.by === 'code') === byHand,
        );
        const arrivals = alike.map((visitor) => this.model.visitors.indexOf(visitor));
        expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
      }
    }
  }
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from[index % Math.max(1, from.length)];
}

/** A bulkhead does what the naive one does, and keeps its promises at the end of every schedule. */
export const bulkheadAgreesWithModel: fc.IAsyncPropertyWithHooks<[Settings, Step[]]> = fc.asyncProperty(
  settings,
  schedule,
  async (given, script) => {
    const world = new World(given);
    for (const step of script) {
      await world.play(step);
      world.compare(given);
    }
    await world.finishAll();
  },
);
