/** A pool over random schedules: of makings, checks, ends, deaths, borrowers that come, leave and give back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { connectionPool, type Lease } from './index.ts';

type Verb = 'acquire' | 'release' | 'discard' | 'abort' | 'make' | 'check' | 'end' | 'die';
const verb = (weight: number, ...verbs: Verb[]): fc.WeightedArbitrary<Verb> => ({
  weight,
  arbitrary: fc.constantFrom(...verbs),
});
const schedules = fc.record({
  minSize: fc.nat(2),
  maxSize: fc.integer({ min: 2, max: 3 }),
  maxOverflow: fc.nat(2),
  maxCreating: fc.integer({ min: 1, max: 4 }),
  checks: fc.boolean(),
  steps: fc.array(
    fc.record({
      do: fc.oneof(
        verb(6, 'acquire'),
        verb(5, 'release', 'make', 'check'),
        verb(2, 'abort', 'end'),
        verb(1, 'discard', 'die'),
      ),
      which: fc.nat(20),
      well: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    }),
    { maxLength: 40 },
  ),
});

/** A resource as the world sees it. */
interface Thing {
  readonly id: number;
  readonly lost: (error?: unknown) => void;
  state: 'alive' | 'ended';
  borrower: Borrower | undefined;
}

interface Borrower {
  readonly id: number;
  readonly controller: AbortController;
  lease: Lease<Thing> | undefined;
  state: 'waiting' | 'holding' | 'done';
  answers: number;
  failed: boolean;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

describe('a connection pool over random schedules', () => {
  it('never has more than it may, lends none to two, keeps the order of those who wait, loses nobody, and ends everything', async () => {
    const property = fc.asyncProperty(schedules, async ({ checks, steps, ...options }) => {
      const { maxSize, maxOverflow, maxCreating } = options;
      const makings: ((well: boolean) => void)[] = [];
      const checkings: ((well: boolean) => void)[] = [];
      const ends: (() => void)[] = [];
      const things: Thing[] = [];
      const borrowers: Borrower[] = [];
      const lentTo: number[] = [];
      let present = 0;
      let made = 0;
      let ended = 0;
      const pool = connectionPool<Thing>({
        clock: new VirtualClock(),
        ...options,
        recycleJitterRatio: 0,
        create: ({ lost }) => {
          expect(++present).toBeLessThanOrEqual(maxSize + maxOverflow);
          return new Promise((resolve, reject) => {
            makings.push((well) => {
              const thing: Thing = { id: made++, lost, state: 'alive', borrower: undefined };
              if (well) {
                things.push(thing);
                resolve(thing);
              } else {
                present--;
                reject(new Error('no'));
              }
            });
          });
        },
        ...(checks ? { validate: () => new Promise<boolean>((resolve) => void checkings.push(resolve)) } : {}),
        destroy: (thing) => {
          expect(thing.state).toBe('alive');
          expect(thing.borrower).toBeUndefined();
          thing.state = 'ended';
          return new Promise<void>((resolve) => {
            ends.push(() => {
              present--;
              ended++;
              resolve();
            });
          });
        },
      });

      const acquire = (): void => {
        const borrower: Borrower = {
          id: borrowers.length,
          controller: new AbortController(),
          lease: undefined,
          state: 'waiting',
          answers: 0,
          failed: false,
        };
        borrowers.push(borrower);
        pool.acquire({ signal: borrower.controller.signal }).then(
          (lease) => {
            borrower.answers++;
            borrower.lease = lease;
            expect(borrower.state).toBe('waiting');
            expect(lease.resource.state).toBe('alive');
            expect(lease.resource.borrower).toBeUndefined();
            lease.resource.borrower = borrower;
            borrower.state = 'holding';
            lentTo.push(borrower.id);
          },
          () => {
            borrower.answers++;
            borrower.failed = true;
            borrower.state = 'done';
          },
        );
      };
      const giveBack = (borrower: Borrower, how: 'release' | 'discard'): void => {
        const lease = borrower.lease!;
        borrower.state = 'done';
        lease.resource.borrower = undefined;
        lease[how]();
        // A second time changes nothing.
        lease.release();
      };
      const pick = <T>(list: T[], which: number): T | undefined => list[which % list.length];
      const take = <T>(list: T[], which: number): T | undefined =>
        list.length === 0 ? undefined : list.splice(which % list.length, 1)[0];

      for (const { do: what, which, well } of steps) {
        const holding = borrowers.filter(({ state }) => state === 'holding');
        if (what === 'acquire') acquire();
        else if (what === 'make') take(makings, which)?.(well);
        else if (what === 'check') take(checkings, which)?.(well);
        else if (what === 'end') take(ends, which)?.();
        else if (what === 'die')
          pick(
            things.filter(({ state }) => state === 'alive'),
            which,
          )?.lost(new Error('died'));
        else if (what === 'abort') {
          const waiting = borrowers.filter(({ state }) => state === 'waiting');
          pick(waiting, which)?.controller.abort('left');
        } else {
          const borrower = pick(holding, which);
          if (borrower !== undefined) giveBack(borrower, what);
        }
        await settle();
        const { size, inUse, waiting, idle, creating, checking, ending } = pool.statistics;
        expect(size).toBe(present);
        expect(inUse).toBe(borrowers.filter(({ state }) => state === 'holding').length);
        expect(waiting).toBe(borrowers.filter(({ state }) => state === 'waiting').length);
        expect([creating, checking, ending]).toEqual([makings.length, checkings.length, ends.length]);
        expect(idle).toBeLessThanOrEqual(maxSize);
        // Nobody waits while something could be done for them.
        expect(creating).toBeLessThanOrEqual(maxCreating);
        if (waiting > checking + creating) {
          expect(idle).toBe(0);
          if (creating < maxCreating) expect(size).toBe(maxSize + maxOverflow);
        }
      }
      expect(lentTo).toEqual(lentTo.toSorted((a, b) => a - b));
      const closed = pool.close();
      let left: number | undefined;
      void closed.then((count) => (left = count));
      for (let round = 0; round < 10; round++) {
        for (const borrower of borrowers) if (borrower.state === 'holding') giveBack(borrower, 'release');
        for (const making of makings.splice(0)) making(true);
        for (const checking of checkings.splice(0)) checking(true);
        for (const end of ends.splice(0)) end();
        await settle();
      }
      expect(left).toBe(0);
      expect([present, ended]).toEqual([0, things.length]);
      expect(borrowers.filter(({ answers }) => answers !== 1)).toEqual([]);
    });
    await fc.assert(property, modelRuns());
  });
});
