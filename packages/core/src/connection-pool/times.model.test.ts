/** A pool over random times: of makings, uses, ages, idleness and waits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { isBreakwaterError } from '../errors/breakwater-error.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { microtasks } from '../testing/test-support/watched.ts';
import { connectionPool } from './index.ts';

const schedules = fc.record({
  seed: fc.integer(),
  minSize: fc.nat(2),
  maxSize: fc.integer({ min: 2, max: 3 }),
  maxOverflow: fc.nat(2),
  makeMs: fc.nat(15),
  acquireTimeoutMs: fc.integer({ min: 1, max: 60 }),
  idleTimeoutMs: fc.integer({ min: 5, max: 60 }),
  recycleMs: fc.integer({ min: 30, max: 200 }),
  recycleJitterRatio: fc.constantFrom(0, 0.5),
  /** Who comes how long after the one before, and keeps the resource for how long. */
  borrowers: fc.array(fc.record({ afterMs: fc.nat(40), holdsMs: fc.nat(40) }), { maxLength: 15 }),
});

/** What `expect` says at a fraction of its price: there are hundreds of these in a schedule. */
function holds(what: string, is: boolean): void {
  if (!is) throw new Error(`not so: ${what}`);
}

describe('a connection pool over random times', () => {
  it('lends nothing that is too old, lets nobody wait too long, never comes below its least or above its most, and comes down to its least', async () => {
    const property = fc.asyncProperty(schedules, async (schedule) => {
      const { seed, borrowers, makeMs, ...options } = schedule;
      const { minSize, maxSize, maxOverflow, acquireTimeoutMs, idleTimeoutMs, recycleMs } = options;
      const clock = new VirtualClock();
      const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve));
      let present = 0;
      const pool = connectionPool<{ readonly bornAt: number }>({
        ...options,
        clock,
        random: seededRandom(seed),
        create: async () => {
          present++;
          await sleep(makeMs);
          return { bornAt: clock.now() };
        },
        destroy: () => {
          present--;
        },
      });
      let lent = 0;
      const checkMost = (): void => {
        holds('no more than may be', present <= maxSize + maxOverflow && lent <= present);
      };
      const check = (): void => {
        checkMost();
        const { size, ending, inUse } = pool.statistics;
        holds('no less than is to be kept', size - ending >= minSize);
        holds('as many in use as are lent', inUse === lent);
      };
      let answered = 0;
      const borrow = async (holdsMs: number): Promise<void> => {
        const cameAt = clock.now();
        try {
          const lease = await pool.acquire();
          lent++;
          holds('nothing too old is lent', clock.now() - lease.resource.bornAt < recycleMs);
          checkMost();
          await sleep(holdsMs);
          lent--;
          lease.release();
        } catch (error) {
          if (!isBreakwaterError(error, 'POOL_TIMEOUT')) throw error;
          holds('who gets nothing is told in time', clock.now() - cameAt === acquireTimeoutMs);
        }
        answered++;
        holds('nobody waits too long', clock.now() - cameAt <= acquireTimeoutMs + holdsMs);
        // What is ended has its place until that is over.
        await microtasks(6);
        checkMost();
      };
      const all: Promise<unknown>[] = [];
      const faults: unknown[] = [];
      for (const { afterMs, holdsMs } of borrowers) {
        await clock.advance(afterMs);
        check();
        all.push(borrow(holdsMs).catch((fault: unknown) => faults.push(fault)));
      }
      await clock.advance(acquireTimeoutMs + 40);
      await Promise.all(all);
      expect(faults).toEqual([]);
      expect(answered).toBe(borrowers.length);
      check();
      // Nobody comes any more. What replaces an old one begins to be idle only then.
      await clock.advance(idleTimeoutMs + makeMs + 1);
      expect(pool.statistics).toMatchObject({ size: minSize, inUse: 0, waiting: 0, ending: 0 });
      const closed = pool.close();
      await clock.advance(makeMs);
      expect([await closed, present, clock.pendingTimers]).toEqual([0, 0, 0]);
    });
    await fc.assert(property, modelRuns());
  });
});
