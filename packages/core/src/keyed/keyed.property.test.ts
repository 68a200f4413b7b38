import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { HookPolicy } from '../policy/policy.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { deferred, type Deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import { keyed } from './keyed.ts';

/** A policy that knows how many calls are in it, and is busy when the test says so. */
class Probe implements HookPolicy {
  readonly kind = 'probe';
  readonly key: string;
  inside = 0;
  isBusy = false;

  constructor(key: string) {
    this.key = key;
  }

  enter(): undefined {
    this.inside++;
  }

  leave<T>(_call: unknown, _at: number, outcome: T): T {
    this.inside--;
    return outcome;
  }

  cancel(): void {
    this.inside--;
  }
}

type Step =
  | { readonly do: 'call'; readonly key: number }
  | { readonly do: 'end'; readonly which: number; readonly how: 'answer' | 'abort' }
  | { readonly do: 'busy'; readonly key: number; readonly busy: boolean }
  | { readonly do: 'pass'; readonly ms: number };

const key = fc.nat(12);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('call' as const), key }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('end' as const),
        which: fc.nat(20),
        how: fc.constantFrom('answer' as const, 'abort' as const),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('busy' as const), key, busy: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 40, 100, 1_000) }) },
  ),
  { minLength: 5, maxLength: 80 },
);

const IDLE_MS = 100;

interface Running {
  readonly policy: Probe;
  readonly answer: Deferred<string>;
  readonly controller: AbortController;
}

describe('the keys of a keyed policy, whatever the traffic', () => {
  it('are bounded; none goes that is in use, of the others the longest unused, and the idle ones in time', async () => {
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 6 }), steps, async (maxKeys, script) => {
      const clock = new VirtualClock();
      const probes = keyed((name) => new Probe(name), { clock, maxKeys, idleMs: IDLE_MS });
      const calls = pipeline(probes);
      /** When a call was last under a policy. */
      const usedAt = new Map<Probe, number>();
      /** A policy that says it is busy counts as used whenever it is looked at: nobody knows when that was. */
      const wereBusy = new Set<Probe>();
      const running: Running[] = [];
      const inUse = ({ inside, isBusy }: Probe): boolean => inside > 0 || isBusy;
      let before: readonly (readonly [string, Probe])[] = [];
      // What a listener throws is swallowed, so it collects what is wrong.
      const faults: string[] = [];
      calls.on('key-evicted', ({ key: gone, reason }) => {
        const policy = before.find(([name]) => name === gone)![1];
        const unusedSince = usedAt.get(policy)!;
        if (inUse(policy)) faults.push(`${gone} went in use`);
        if (reason === 'idle' && clock.now() - unusedSince < IDLE_MS) faults.push(`${gone} was not idle for so long`);
        const others = [...probes].map(([, other]) => other).filter((other) => !inUse(other) && !wereBusy.has(other));
        if (!wereBusy.has(policy) && others.some((other) => usedAt.get(other)! < unusedSince))
          faults.push(`${gone} went before its turn`);
      });
      for (const step of script) {
        before = [...probes];
        if (step.do === 'pass') await clock.advance(step.ms);
        else if (step.do === 'busy') {
          const policy = probes.get(`${step.key}`);
          if (policy === undefined) continue;
          policy.isBusy = step.busy;
          wereBusy.add(policy);
        } else if (step.do === 'call') {
          const [answer, controller] = [deferred(), new AbortController()];
          const name = `${step.key}`;
          const call = watched(calls.execute(() => answer.promise, { key: name, signal: controller.signal }));
          await microtasks(4);
          const policy = probes.get(name);
          if (call.state === 'rejected') {
            expect(call.error).toMatchObject({ code: 'KEYS_EXHAUSTED' });
            expect(before.filter(([, each]) => inUse(each))).toHaveLength(maxKeys);
          } else {
            usedAt.set(policy!, clock.now());
            running.push({ policy: policy!, answer, controller });
          }
        } else {
          const [call] = running.splice(step.which % Math.max(1, running.length), 1);
          if (step.how === 'answer') call?.answer.resolve('item');
          else call?.controller.abort();
          if (call !== undefined) usedAt.set(call.policy, clock.now());
          await microtasks(4);
        }
        expect(faults).toEqual([]);
        expect(probes.size).toBeLessThanOrEqual(maxKeys);
        expect([...probes]).toHaveLength(probes.size);
        for (const { policy } of running) expect(probes.get(policy.key)).toBe(policy);
        for (const [name, policy] of before) if (policy.isBusy) expect(probes.get(name)).toBe(policy);
        expect(clock.pendingTimers).toBe(0);
      }
      for (const { answer } of running) answer.resolve('item');
      for (const [, policy] of probes) policy.isBusy = false;
      await microtasks(8);
      expect(probes.isBusy).toBe(false);
      // Two calls may find busy what is so no more, and put it off once.
      for (let round = 0; round < 2 * maxKeys; round++) {
        await clock.advance(IDLE_MS);
        await calls.execute(() => 'item', { key: 'last' });
      }
      expect([...probes].map(([name]) => name)).toEqual(['last']);
    });
    await fc.assert(property, propertyRuns(150));
  });
});
