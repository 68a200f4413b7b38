/**
 * Ten minutes at 1.5 times what an upstream of 20 servers can do, each call of which takes 20 ms on average, and three
 * minutes at half of it after that. An answer is useful to a caller within a second. Without a limit all callers wait
 * in a queue that outlives the overload; with one, most of what the upstream can do is useful.
 *
 * What comes out, seeded: with Vegas 98.8 % of what the upstream can do, at a p99 of 95 ms; with Gradient2 99.8 % at
 * 149 ms; with AIMD 99.8 % at 269 ms. The figures that this is held against are 99 % at 95 ms, 100 % at 147 ms and 100 %
 * at 275 ms; one percentage point and 5 % of the p99 are tolerated.
 */
import { type Policy, pipeline } from 'breakwater';
import { adaptiveConcurrency, aimd, gradient2, type LimitAlgorithm, vegas } from 'breakwater/adaptive-concurrency';
import { seededRandom } from 'breakwater/clock';
import { Histogram } from 'breakwater/structures';
import { describe, expect, it } from 'vitest';
import { exponentialMs, SimulatedTime } from './test-support/simulated-time.ts';
import { SimulatedUpstream } from './test-support/simulated-upstream.ts';

const SERVERS = 20;
const SERVICE_MS = 20;
const CAPACITY_PER_MS = SERVERS / SERVICE_MS;
const OVERLOAD_MS = 600_000;
const AFTERWARDS_MS = 180_000;
const PATIENCE_MS = 1_000;

interface Result {
  /** Useful answers during the overload, as a ratio of what the upstream can do in that time. */
  readonly usefulRatio: number;
  /** How long the calls took that were answered, in milliseconds, 99 % of them at most. */
  readonly p99Ms: number;
  /** Useful answers after the overload, as a ratio of the calls. */
  readonly usefulAfterRatio: number;
}

async function overload(...policies: readonly Policy[]): Promise<Result> {
  const time = new SimulatedTime();
  const random = seededRandom(20_261_121);
  const upstream = new SimulatedUpstream(time, random, SERVERS, SERVICE_MS);
  const calls = pipeline({ clock: time, random: seededRandom(1) }, ...policies);
  const took = new Histogram(0.001);
  let [useful, usefulAfter, after] = [0, 0, 0];
  const call = async (): Promise<void> => {
    const startedAt = time.now();
    const inOverload = startedAt < OVERLOAD_MS;
    if (!inOverload) after++;
    const { ok } = await calls.tryExecute(() => upstream.serve());
    const tookMs = time.now() - startedAt;
    if (!ok || tookMs > PATIENCE_MS) return;
    if (!inOverload) usefulAfter++;
    else if (time.now() <= OVERLOAD_MS) {
      useful++;
      took.record(tookMs);
    }
  };
  const arrive = (): void => {
    void call();
    const load = time.now() < OVERLOAD_MS ? 1.5 : 0.5;
    time.setTimer(exponentialMs(random, 1 / (CAPACITY_PER_MS * load)), arrive);
  };
  arrive();
  await time.runUntil(OVERLOAD_MS + AFTERWARDS_MS);
  return {
    usefulRatio: useful / (OVERLOAD_MS * CAPACITY_PER_MS),
    p99Ms: took.quantile(0.99),
    usefulAfterRatio: usefulAfter / after,
  };
}

describe('an upstream that is asked for 1.5 times what it can do, for ten minutes', () => {
  it('without a limit gives no useful answer, and none for minutes after the load has fallen', async () => {
    const result = await overload();
    expect(result.usefulRatio).toBeLessThan(0.01);
    expect(result.usefulAfterRatio).toBe(0);
  }, 60_000);

  const table: readonly [string, LimitAlgorithm, number, number][] = [
    ['vegas', vegas(), 0.99, 95],
    ['gradient2', gradient2(), 1, 147],
    ['aimd', aimd(), 1, 275],
  ];
  it.each(table)(
    'with %s gives as many useful answers as it can, at a p99 within 5 % of the reference, and recovers at once',
    async (_name, algorithm, usefulRatio, p99Ms) => {
      const result = await overload(adaptiveConcurrency({ algorithm }));
      expect(result.usefulRatio).toBeGreaterThan(usefulRatio - 0.01);
      expect(Math.abs(result.p99Ms / p99Ms - 1)).toBeLessThan(0.05);
      expect(result.usefulAfterRatio).toBeGreaterThan(0.99);
    },
    60_000,
  );
});
