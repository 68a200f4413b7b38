import fc from 'fast-check';
import { expect, it } from 'vitest';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import {
  fixedWindow,
  gcra,
  type LimitAlgorithm,
  rateLimiter,
  type Reservation,
  slidingLog,
  slidingWindow,
} from './index.ts';
import { steppedClock } from './test-support/stepped-clock.ts';

/** One token per 50 ms; all times are multiples of 10 ms, so that the first moment at which something fits is one too. */
const INTERVAL_MS = 50;
const GRID_MS = 10;

/** Whether a cost fits after all that was taken before it, by time. */
type Rule = (before: readonly Taken[], candidate: Taken, most: number) => boolean;

const sumOf = (taken: readonly Taken[]): number => taken.reduce((sum, { cost }) => sum + cost, 0);

/** How a bucket stands is played from its beginning. */
function inBucket(before: readonly Taken[], { atMs, cost }: Taken, burst: number): boolean {
  let tat = -Infinity;
  for (const taken of before) tat = Math.max(tat, taken.atMs) + taken.cost * INTERVAL_MS;
  return Math.max(tat, atMs) + cost * INTERVAL_MS <= atMs + burst * INTERVAL_MS;
}

/** A period has room for as many tokens as there are in it. */
const periodMs = (limit: number): number => limit * INTERVAL_MS;

const inLog: Rule = (before, { atMs, cost }, limit) =>
  sumOf(before.filter((taken) => taken.atMs > atMs - periodMs(limit))) + cost <= limit;

const inWindow: Rule = (before, { atMs, cost }, limit) => {
  const windowOf = (ms: number): number => Math.floor(ms / periodMs(limit));
  return sumOf(before.filter((taken) => windowOf(taken.atMs) === windowOf(atMs))) + cost <= limit;
};

/** Sixty times the grid, so that the part of a window that 1 to 5 of them make up ends on it. */
const SLIDING_PERIOD_MS = 60 * GRID_MS;

/** Of the window before as much counts as still overlaps the period that ends now. */
const inTwoWindows: Rule = (before, { atMs, cost }, limit) => {
  const windowOf = (ms: number): number => Math.floor(ms / SLIDING_PERIOD_MS);
  const takenIn = (window: number): number => sumOf(before.filter((taken) => windowOf(taken.atMs) === window));
  const overlapMs = (windowOf(atMs) + 1) * SLIDING_PERIOD_MS - atMs;
  const counted = (takenIn(windowOf(atMs)) + cost) * SLIDING_PERIOD_MS + takenIn(windowOf(atMs) - 1) * overlapMs;
  return counted <= limit * SLIDING_PERIOD_MS;
};

const rules: readonly { readonly algorithm: LimitAlgorithm; readonly rule: Rule }[] = [
  { algorithm: gcra, rule: inBucket },
  { algorithm: slidingLog, rule: inLog },
  { algorithm: slidingWindow, rule: inTwoWindows },
  { algorithm: fixedWindow, rule: inWindow },
];

interface Taken {
  readonly atMs: number;
  readonly cost: number;
}

/** Everything that was let through and everything that is promised; whether it all conforms is played from the beginning. */
class NaiveLimiter {
  readonly taken: Taken[] = [];
  private readonly fits: Rule;
  private readonly most: number;

  constructor(fits: Rule, most: number) {
    this.fits = fits;
    this.most = most;
  }

  earliest(cost: number, fromMs: number): number {
    for (let atMs = fromMs; ; atMs += GRID_MS) if (this.conforms({ atMs, cost })) return atMs;
  }

  drop(taken: Taken): void {
    this.taken.splice(this.taken.indexOf(taken), 1);
  }

  private conforms(candidate: Taken): boolean {
    const all = [candidate, ...this.taken].sort((a, b) => a.atMs - b.atMs);
    return all.every((taken, at) => this.fits(all.slice(0, at), taken, this.most));
  }
}

const actions = fc.array(
  fc.record({
    steps: fc.oneof(fc.constant(0), fc.nat(8), fc.constantFrom(60)),
    action: fc.constantFrom('reserve', 'reserve', 'reserve', 'try', 'cancel', 'delay'),
    cost: fc.integer({ min: 1, max: 3 }),
    which: fc.nat(20),
  }),
  { minLength: 1, maxLength: 16 },
);

it.each(rules)(
  '$algorithm.kind: reservations, delays, cancellations and requests have the times that a replay of everything gives them',
  ({ algorithm, rule }) => {
    fc.assert(
      fc.property(actions, fc.integer({ min: 3, max: 5 }), (schedule, most) => {
        const clock = steppedClock(0);
        const numbers = algorithm.hasBurst
          ? { limit: 20, periodMs: 1_000, burst: most }
          : { limit: most, periodMs: algorithm === slidingWindow ? SLIDING_PERIOD_MS : periodMs(most) };
        const limiter = rateLimiter({ ...numbers, algorithm, clock });
        const model = new NaiveLimiter(rule, most);
        const held: { readonly slot: Reservation; taken: Taken }[] = [];
        for (const { steps, action, cost, which } of schedule) {
          clock.step(steps * GRID_MS);
          const now = clock.now();
          const ahead = held.filter(({ slot }) => slot.state === 'held' && slot.executeAt > now);
          const chosen = ahead[which % Math.max(1, ahead.length)];
          if (action === 'reserve') {
            const slot = limiter.reserve('key', { cost });
            const taken = { atMs: model.earliest(cost, now), cost };
            model.taken.push(taken);
            expect(slot).toMatchObject({ reserved: true, executeAt: taken.atMs });
            held.push({ slot: slot as Reservation, taken });
          } else if (action === 'try') {
            const fits = model.earliest(cost, now) === now;
            expect(limiter.tryAcquire('key', { cost }).allowed).toBe(fits);
            if (fits) model.taken.push({ atMs: now, cost });
          } else if (chosen !== undefined) {
            model.drop(chosen.taken);
            if (action === 'cancel') chosen.slot.cancel();
            else {
              const atMs = model.earliest(chosen.taken.cost, chosen.taken.atMs + which * GRID_MS);
              chosen.slot.delayBy(which * GRID_MS);
              expect(chosen.slot.executeAt).toBe(atMs);
              chosen.taken = { atMs, cost: chosen.taken.cost };
              model.taken.push(chosen.taken);
            }
          }
        }
      }),
      modelRuns(),
    );
  },
);
