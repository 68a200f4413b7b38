import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { VirtualTimer, VirtualTimers } from './virtual-timers.ts';

const steps = fc.array(
  fc.oneof(
    fc.record({ set: fc.integer({ min: -3, max: 20 }), background: fc.boolean() }),
    fc.record({ cancel: fc.nat(30) }),
    fc.constant('take' as const),
  ),
  { maxLength: 100 },
);

it('timers come in the order of their times, and of one time in which they were set, as from a list that is sorted', () => {
  const property = fc.property(steps, (script) => {
    const timers = new VirtualTimers();
    const all: VirtualTimer[] = [];
    let model: VirtualTimer[] = [];
    for (const step of script) {
      if (step === 'take') {
        const next = model.toSorted((a, b) => a.dueAt - b.dueAt)[0];
        expect(timers.takeNext()).toBe(next);
        model = model.filter((timer) => timer !== next);
      } else if ('set' in step) {
        const timer = new VirtualTimer(timers, step.set, step.background, () => undefined);
        all.push(timer);
        model.push(timer);
      } else {
        const cancelled = all[step.cancel];
        cancelled?.cancel();
        model = model.filter((timer) => timer !== cancelled);
      }
      expect([timers.size, timers.holdsForeground]).toEqual([
        model.length,
        model.some(({ background }) => !background),
      ]);
      expect(timers.nextDueAt ?? Infinity).toBe(Math.min(Infinity, ...model.map(({ dueAt }) => dueAt)));
    }
  });
  fc.assert(property, propertyRuns(300));
});
