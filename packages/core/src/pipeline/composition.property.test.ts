/** Pipelines of random composition under random traffic: when everything has ended, nothing may be left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adaptiveConcurrency } from '../adaptive-concurrency/adaptive-concurrency.ts';
import { type Bulkhead, bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { type Random, seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import type { PermitStatistics } from '../gates/permits.ts';
import { hedge } from '../hedge/hedge.ts';
import { keyed } from '../keyed/keyed.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { Policy } from '../policy/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { type Watched, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';
import type { EventsOf, Pipeline } from './pipeline-contract.ts';

type AnyPipeline = Pipeline<EventsOf<Policy>>;

const KINDS = [
  'retry',
  'hedge',
  'timeout',
  'cooperative',
  'breaker',
  'bulkhead',
  'settled',
  'adaptive',
  'fallback',
  'keyed',
  'around',
  'nested',
] as const;
type Kind = (typeof KINDS)[number];

const kinds: fc.Arbitrary<Kind> = fc.constantFrom(...KINDS);

interface Behaviour {
  readonly ends: 'value' | 'error' | 'throw' | 'sync' | 'never';
  readonly afterMs: number;
  readonly obeys: boolean;
  readonly deadlineMs: number | undefined;
  readonly abortAfterMs: number | undefined;
}

const behaviours: fc.Arbitrary<Behaviour> = fc.record({
  ends: fc.constantFrom('value', 'error', 'throw', 'sync', 'never'),
  afterMs: fc.integer({ min: 0, max: 60 }),
  obeys: fc.boolean(),
  deadlineMs: fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined }),
});

interface World {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly gates: { readonly queued: number; readonly statistics: PermitStatistics }[];
  readonly pipelines: AnyPipeline[];
  held: number;
}

function build(world: World, row: readonly Kind[], depth = 0): AnyPipeline {
  const made = pipeline(
    { clock: world.clock, random: world.random },
    ...row.map((kind) => policyOf(world, kind, depth)),
  );
  world.pipelines.push(made);
  return made;
}

function policyOf(world: World, kind: Kind, depth: number): Policy {
  const gate = (options: object): Bulkhead => {
    const policy = bulkhead({ maxConcurrent: 2, maxQueue: 3, maxQueueWaitMs: 25, ...options });
    world.gates.push(policy);
    return policy;
  };
  switch (kind) {
    case 'retry':
      return retry({ maxAttempts: 3, backoff: constant(12) });
    case 'hedge':
      return hedge({ delayMs: pick(world, [0, 8, 'on-failure'] as const), maxAttempts: 3 });
    case 'keyed':
      return keyed(() => policyOf(world, pick(world, KINDS), depth + 1));
    case 'adaptive': {
      const policy = adaptiveConcurrency({ initialLimit: 2, maxQueue: 3, maxQueueWaitMs: 25 });
      world.gates.push(policy);
      return policy;
    }
    case 'timeout':
      return timeout({ timeoutMs: 30 });
    case 'cooperative':
      return timeout({ timeoutMs: 35, mode: 'cooperative' });
    case 'breaker':
      return circuitBreaker({ trip: consecutive(3), breakMs: 20, probes: 2, probeLeaseMs: 40 });
    case 'bulkhead':
      return gate({});
    case 'settled':
      return gate({ releaseOn: 'settled' });
    case 'fallback':
      return fallback({ run: () => (world.random.next() < 0.3 ? Promise.reject(new Error('none')) : 'substitute') });
    case 'around':
      return {
        kind: 'around',
        async around(_context, next) {
          world.held++;
          try {
            return await (world.random.next() < 0.3 ? Promise.race([next(), next()]) : next());
          } finally {
            world.held--;
          }
        },
      };
    default:
      return depth > 1 ? gate({}) : build(world, ['timeout', 'retry', 'breaker', 'bulkhead'], depth + 1);
  }
}

function pick<T>({ random }: World, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!;
}

function functionOf(
  world: World,
  { ends, afterMs, obeys }: Behaviour,
  ending: AbortSignal,
): (context: ExecutionContext) => unknown {
  return (context) => {
    if (ends === 'sync' || (context.attempt > 1 && world.random.next() < 0.3)) return 'item';
    if (ends === 'throw') throw new Error('thrown');
    return new Promise((resolve, reject) => {
      // At the end of the test even a function that hears nothing ends.
      ending.addEventListener('abort', () => reject(new Error('the end')));
      if (obeys) context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
      if (ends === 'never') return;
      world.clock.setTimer(afterMs, () => (ends === 'value' ? resolve('item') : reject(new Error('down'))));
    });
  };
}

describe('any pipeline under any traffic', () => {
  it('settles each call once, and leaves no timer, no listener, no permit and nothing busy', async () => {
    const property = fc.asyncProperty(
      fc.array(kinds, { maxLength: 6 }),
      fc.array(behaviours, { minLength: 1, maxLength: 8 }),
      fc.integer(),
      fc.boolean(),
      async (row, traffic, seed, asOutcome) => {
        const world: World = {
          clock: new VirtualClock(),
          random: seededRandom(seed),
          gates: [],
          pipelines: [],
          held: 0,
        };
        const calls = build(world, row);
        const ended: string[] = [];
        calls.on('call-ended', () => ended.push('ended'));
        const shared = countedController();
        const ending = new AbortController();
        const signals = [shared];
        const ends: Watched<unknown>[] = [];
        for (const behaviour of traffic) {
          const { deadlineMs, abortAfterMs } = behaviour;
          const own = abortAfterMs === undefined ? shared : countedController();
          if (own !== shared) signals.push(own);
          const options = { signal: own.signal, deadlineMs, key: pick(world, ['a', 'b']) };
          const fn = functionOf(world, behaviour, ending.signal);
          ends.push(watched<unknown>(asOutcome ? calls.tryExecute(fn, options) : calls.execute(fn, options)));
          if (abortAfterMs !== undefined)
            world.clock.setTimer(abortAfterMs, () => own.controller.abort(new Error('left')));
          await world.clock.advance(world.random.next() * 15);
        }
        await world.clock.advance(200);
        shared.controller.abort(new Error('all left'));
        await world.clock.advance(0);
        expect(ends.map(({ settled }) => settled)).toEqual(ends.map(() => 1));
        ending.abort();
        await world.clock.runAll();
        const nestedOnes = world.pipelines.filter((made) => made !== calls).length;
        if (nestedOnes === 0) expect(ended).toHaveLength(traffic.length);
        expect(world.clock.pendingTimers).toBe(0);
        expect(signals.map(({ listening }) => listening)).toEqual(signals.map(() => 0));
        expect(world.gates.map(({ statistics, queued }) => [statistics.running, queued])).toEqual(
          world.gates.map(() => [0, 0]),
        );
        expect(world.pipelines.map(({ busy }) => busy)).toEqual(world.pipelines.map(() => 0));
        expect(world.held).toBe(0);
      },
    );
    await fc.assert(property, propertyRuns(600));
  }, 60_000);
});
