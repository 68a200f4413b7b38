import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { DueHeap } from './due-heap.ts';

interface Member {
  readonly name: string;
  dueAt: number;
  heapIndex: number;
}

const commands = fc.array(
  fc.oneof(fc.record({ place: fc.nat(20), dueAt: fc.nat(100) }), fc.record({ remove: fc.nat(20) })),
  { maxLength: 200 },
);

describe('a heap of what is due', () => {
  it('has the one that is due first at its top, whatever was placed, moved and removed', () => {
    fc.assert(
      fc.property(commands, (steps) => {
        const heap = new DueHeap<Member>();
        const members = Array.from({ length: 21 }, (_, n): Member => ({ name: `${n}`, dueAt: 0, heapIndex: -1 }));
        const inside = new Set<Member>();
        for (const step of steps) {
          const member = members['place' in step ? step.place : step.remove]!;
          if ('place' in step) {
            member.dueAt = step.dueAt;
            heap.place(member);
            inside.add(member);
          } else {
            heap.remove(member);
            inside.delete(member);
          }
          const first = Math.min(...[...inside].map(({ dueAt }) => dueAt));
          expect(heap.first?.dueAt ?? Infinity).toBe(first);
        }
      }),
      propertyRuns(200),
    );
  });
});
