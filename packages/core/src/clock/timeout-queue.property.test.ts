import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoalescingClock } from '../testing/test-support/coalescing-clock.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import type { Clock } from './clock.ts';
import { TimeoutEntry, timeoutQueueOf } from './timeout-queue.ts';
import { VirtualClock } from './virtual-clock.ts';

class Probe extends TimeoutEntry {
  readonly dueAt: number;
  readonly durationMs: number;
  fired: number[] = [];
  removed = false;
  private readonly time: () => number;

  constructor(time: () => number, durationMs: number) {
    super();
    this.time = time;
    this.durationMs = durationMs;
    this.dueAt = time() + durationMs;
  }

  override onTimeout(): void {
    this.fired.push(this.time());
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ add: fc.constantFrom(3, 64, 100, 640, 2_000, 10_000) }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat(40) }) },
    { weight: 4, arbitrary: fc.record({ wait: fc.double({ min: 0, max: 400, noNaN: true }) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

type Step = { add: number } | { remove: number } | { wait: number };

async function play(clock: Clock, virtual: VirtualClock, script: readonly Step[]): Promise<Probe[]> {
  const queue = timeoutQueueOf(clock);
  const lanes = new Map<number, ReturnType<typeof queue.lane>>();
  const probes: Probe[] = [];
  for (const step of script) {
    if ('add' in step) {
      const lane = lanes.get(step.add) ?? queue.lane(step.add);
      lanes.set(step.add, lane);
      const probe = new Probe(() => virtual.now(), step.add);
      probes.push(probe);
      lane.add(probe);
    } else if ('remove' in step) {
      const probe = probes[step.remove];
      if (probe === undefined || probe.fired.length > 0) continue;
      probe.removed = true;
      lanes.get(probe.durationMs)!.remove(probe);
    } else await virtual.advance(step.wait);
  }
  await virtual.advance(100_000);
  return probes;
}

describe('a queue of timeouts, whatever comes and goes', () => {
  it.each(['exact', 'coalescing'])(
    'fires each once, never early, late by no more than its slack (%s)',
    async (kind) => {
      const property = fc.asyncProperty(steps, async (script) => {
        const coalescing = new CoalescingClock();
        const clock: Clock = kind === 'exact' ? coalescing.virtual : coalescing;
        const probes = await play(clock, coalescing.virtual, script);
        for (const { fired, removed, dueAt, durationMs } of probes) {
          expect(fired).toHaveLength(removed ? 0 : 1);
          if (removed) continue;
          const slackMs = kind === 'exact' ? 0 : Math.min(50, Math.max(1, durationMs / 64));
          expect(fired[0]! - dueAt).toBeGreaterThanOrEqual(-1e-9 * dueAt);
          expect(fired[0]! - dueAt).toBeLessThanOrEqual(slackMs + 1e-6);
        }
        expect(coalescing.virtual.pendingTimers).toBe(0);
      });
      await fc.assert(property, propertyRuns(60));
    },
  );
});
