/** A recovery beside the plainest one that can be written, over random errors and strategies. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/index.ts';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import {
  degrading,
  failing,
  fallingBack,
  recovery,
  type RecoveryStrategy,
  retrying,
  skipped,
  skipping,
  waiting,
} from './index.ts';

const categories = ['network', 'rate_limit', 'database'] as const;
/** What is said of one strategy, and what the plain recovery goes by. */
const described = fc.oneof(
  fc.record({
    is: fc.constant('retry' as const),
    most: fc.integer({ min: 1, max: 4 }),
    delayMs: fc.constantFrom(0, 50),
  }),
  fc.record({ is: fc.constant('wait' as const), most: fc.integer({ min: 1, max: 3 }), waitMs: fc.constantFrom(0, 30) }),
  fc.record({ is: fc.constantFrom('fall-back' as const, 'degrade' as const), works: fc.boolean(), late: fc.boolean() }),
  fc.record({ is: fc.constant('skip' as const) }),
  fc.record({ is: fc.constant('fail' as const) }),
);
type Described = typeof described extends fc.Arbitrary<infer D> ? D : never;
const schedules = fc.record({
  seed: fc.integer(),
  by: fc.array(fc.array(described, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 }),
  /** With which category of error each call of the function fails; after that it answers. */
  failures: fc.array(fc.constantFrom(0, 1, 2), { maxLength: 8 }),
});

function strategyOf(what: Described, clock: VirtualClock): RecoveryStrategy {
  switch (what.is) {
    case 'retry':
      return retrying({ maxAttempts: what.most, delayMs: what.delayMs });
    case 'wait':
      return waiting({ maxWaits: what.most, waitMs: what.waitMs });
    case 'skip':
      return skipping();
    case 'fail':
      return failing();
    default: {
      const make = (): unknown => {
        const answer = (): unknown => {
          if (what.works) return what.is;
          throw new Error(`no ${what.is}`);
        };
        if (!what.late) return answer();
        return new Promise<void>((resolve) => void clock.setTimer(5, resolve)).then(answer);
      };
      return what.is === 'degrade' ? degrading(make) : fallingBack(make);
    }
  }
}

/** What the plain recovery comes to: what the caller gets, and how often the function is called. */
function expected(by: readonly (readonly Described[])[], failures: readonly number[]) {
  const acted = new Map<Described, number>();
  for (let calls = 1; ; calls++) {
    if (calls > failures.length) return { calls, ends: 'answer' };
    let ends = `failed: call ${calls}`;
    let again = false;
    for (const what of by[failures[calls - 1]!] ?? []) {
      const times = acted.get(what) ?? 0;
      if (what.is === 'fail') break;
      if (what.is === 'skip') return { calls, ends: skipped };
      if (what.is === 'retry' || what.is === 'wait') {
        again = times < (what.is === 'retry' ? what.most - 1 : what.most);
        if (!again) continue;
        acted.set(what, times + 1);
        break;
      }
      if (what.works) return { calls, ends: what.is };
      ends = `failed: no ${what.is}`;
    }
    if (!again) return { calls, ends };
  }
}

describe('a recovery over random errors and strategies', () => {
  it('calls the function as often as a plain one, ends as that does, counts each call once, and leaves nothing behind', async () => {
    const property = fc.asyncProperty(schedules, async ({ seed, by, failures }) => {
      const clock = new VirtualClock();
      const counted: string[] = [];
      const policy = recovery({
        random: seededRandom(seed),
        by: Object.fromEntries(by.map((list, at) => [categories[at]!, list.map((what) => strategyOf(what, clock))])),
        tracker: { success: () => counted.push('success'), failure: () => counted.push('failure') },
        classify: (error) => ({
          category: categories[(error as { readonly kind: number }).kind]!,
          ...{ code: 'CODE', retryable: true },
        }),
      });
      const calls = pipeline({ clock }, policy);
      let called = 0;
      const call = calls
        .execute(async () => {
          const kind = failures[called++];
          if (kind === undefined) return 'answer';
          throw Object.assign(new Error(`call ${called}`), { kind });
        })
        .catch((error: unknown) => `failed: ${(error as Error).message}`);
      await clock.runAll();
      const ends = await call;
      expect({ calls: called, ends }).toEqual(expected(by, failures));
      expect(counted).toEqual([ends === 'answer' ? 'success' : 'failure']);
      const { succeeded, substituted, failed } = policy.statistics;
      expect(succeeded + substituted + failed).toBe(1);
      expect([calls.busy, clock.pendingTimers, policy.degradation !== undefined]).toEqual([0, 0, ends === 'degrade']);
    });
    await fc.assert(property, modelRuns());
  });
});
