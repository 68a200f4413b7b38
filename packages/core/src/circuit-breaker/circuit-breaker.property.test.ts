/** Random traffic against a breaker and against a naive model of what it is for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { deferred, type Deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { consecutive } from './trip-rules.ts';

const LEGAL = new Set(['closed>open', 'open>half-open', 'half-open>open', 'half-open>closed']);
const BY_HAND = new Set([
  'closed>closed',
  'open>closed',
  'isolated>closed',
  'closed>isolated',
  'open>isolated',
  'half-open>isolated',
]);

type Step =
  | { do: 'call' }
  | { do: 'isolate' }
  | { do: 'release' }
  | { do: 'reset' }
  | { do: 'look' }
  | { do: 'succeed'; which: number }
  | { do: 'fail'; which: number }
  | { do: 'abort'; which: number }
  | { do: 'wait'; ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('call' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('succeed' as const), which: fc.nat(30) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('fail' as const), which: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(30) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 50, 100, 101, 400) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('isolate' as const, 'release' as const, 'reset' as const, 'look' as const),
      }),
    },
  ),
  { minLength: 10, maxLength: 80 },
);

interface Running {
  readonly answer: Deferred<string>;
  readonly controller: AbortController;
  /** How many transitions there had been when it began. */
  readonly era: number;
  readonly probe: boolean;
  readonly startedAt: number;
}

/** The breaker as one would write it who only wants to be right. */
class Model {
  state: 'closed' | 'open' | 'half-open' | 'isolated' = 'closed';
  era = 0;
  streak = 0;
  openedAt = 0;
  succeeded = 0;
  failed = 0;
  out: Running[] = [];
  readonly settings = { failures: 3, breakMs: 100, probes: 2, needed: 1, leaseMs: 150 };

  become(state: Model['state'], at: number): void {
    this.state = state;
    this.era++;
    this.out = [];
    this.succeeded = this.failed = 0;
    if (state === 'open') this.openedAt = at;
    if (state === 'closed') this.streak = 0;
  }

  look(now: number): void {
    for (const probe of [...this.out]) {
      const endsAt = probe.startedAt + this.settings.leaseMs;
      if (this.state === 'half-open' && endsAt <= now) this.probeFailed(probe, endsAt);
    }
  }

  admits(now: number): boolean {
    this.look(now);
    const { breakMs, probes } = this.settings;
    if (this.state === 'open' && this.openedAt + breakMs <= now) this.become('half-open', now);
    if (this.state === 'half-open') return this.out.length + this.succeeded + this.failed < probes;
    return this.state === 'closed';
  }

  ended(call: Running, how: 'succeed' | 'fail' | 'abort', now: number): void {
    if (call.probe && how !== 'abort') this.look(now);
    if (call.era !== this.era) return;
    if (this.state === 'closed') {
      if (how === 'succeed') this.streak = 0;
      else if (how === 'fail' && ++this.streak >= this.settings.failures) this.become('open', now);
    } else if (this.out.includes(call)) {
      if (how === 'fail') this.probeFailed(call, now);
      else this.out = this.out.filter((other) => other !== call);
      if (how === 'succeed' && ++this.succeeded >= this.settings.needed) this.become('closed', now);
    }
  }

  private probeFailed(probe: Running, at: number): void {
    this.out = this.out.filter((other) => other !== probe);
    if (this.settings.probes - ++this.failed < this.settings.needed) this.become('open', at);
  }
}

describe('a breaker under any traffic', () => {
  it('admits, refuses and changes its state exactly as the model does', async () => {
    const property = fc.asyncProperty(steps, async (script) => {
      const clock = new VirtualClock();
      const model = new Model();
      const { failures, breakMs, probes, leaseMs } = model.settings;
      const breaker = circuitBreaker({
        clock,
        trip: consecutive(failures),
        breakMs,
        probes,
        successRatio: 0.5,
        probeLeaseMs: leaseMs,
      });
      const calls = pipeline(breaker);
      const transitions: string[] = [];
      let byHand = false;
      breaker.events.on('*', (event) => {
        if (!('from' in event)) return;
        const transition = `${event.from}>${event.to}`;
        transitions.push(transition);
        expect(LEGAL.has(transition) || (byHand && BY_HAND.has(transition))).toBe(true);
      });
      const running: Running[] = [];
      const releases: (() => void)[] = [];
      const command = (act: () => void): void => {
        byHand = true;
        act();
        byHand = false;
      };
      for (const step of script) {
        const now = clock.now();
        if (step.do === 'wait') await clock.advance(step.ms);
        else if (step.do === 'call') {
          const admitted = model.admits(now);
          const answer = deferred();
          const controller = new AbortController();
          let started = false;
          const end = watched(
            calls.execute(
              () => {
                started = true;
                return answer.promise;
              },
              { signal: controller.signal },
            ),
          );
          await microtasks(5);
          expect(started).toBe(admitted);
          expect(end.state).toBe(admitted ? 'pending' : 'rejected');
          if (admitted) {
            const call = { answer, controller, era: model.era, probe: model.state === 'half-open', startedAt: now };
            running.push(call);
            if (call.probe) model.out.push(call);
          }
        } else if (step.do === 'isolate') {
          if (model.state !== 'isolated') model.become('isolated', now);
          command(() => releases.push(breaker.isolate()));
        } else if (step.do === 'release') {
          const release = releases.shift();
          if (release !== undefined && releases.length === 0 && model.state === 'isolated') model.become('closed', now);
          command(() => release?.());
        } else if (step.do === 'reset') {
          model.become('closed', now);
          releases.length = 0;
          command(() => breaker.reset());
        } else if (step.do === 'look') model.look(now);
        else {
          const [call] = running.splice(step.which % Math.max(1, running.length), 1);
          if (call === undefined) continue;
          model.ended(call, step.do, now);
          if (step.do === 'succeed') call.answer.resolve('item');
          else if (step.do === 'fail') call.answer.reject(new Error('down'));
          else call.controller.abort();
          await microtasks(5);
        }
        model.look(clock.now());
        expect(breaker.state).toBe(model.state);
        expect(model.out.length).toBeLessThanOrEqual(probes);
        expect(clock.pendingTimers).toBe(0);
      }
    });
    await fc.assert(property, propertyRuns(150));
  }, 60_000);
});
