/**
 * The same random schedule of verbs, played on a limiter of this process and on a shared one on a real Redis: both say the
 * same. Time is real there, so a token takes a minute, beside which what passes within a schedule is nothing.
 */
import {
  fixedWindow,
  type LimitAlgorithm,
  type LimitOptions,
  type RateLimitDecision,
  type RateLimiter,
  rateLimiter,
  redisLimits,
  type RedisPort,
  type Reservation,
  type SharedRateLimiter,
  sharedRateLimiter,
  type SharedReservation,
  slidingLog,
  slidingWindow,
} from 'breakwater/rate-limit';
import { array, assert, asyncProperty, boolean, constantFrom, integer, nat, record } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelRuns } from '../../src/testing/test-support/property-runs.ts';
import { redisMissing } from '../cache/redis-server.ts';
import { RedisBench } from './redis-limits.ts';

const TOKEN_MS = 60_000;
/** A schedule is quicker than that. */
const TOLERANCE_MS = TOKEN_MS / 4;
/** The next border of a window of so many days is seldom today, and never in the middle of a test for long. */
const LONGEST_MS = 400 * 86_400_000;
const BURST = 5;

let bench: RedisBench;
let port: RedisPort;
beforeAll(async () => {
  if (redisMissing !== undefined) return;
  bench = await RedisBench.start();
  port = await bench.port();
});
afterAll(async () => {
  await bench?.clear();
  await bench?.stop();
});

const steps = array(
  record({
    verb: constantFrom(
      ...(['try', 'try', 'try', 'check', 'acquire', 'reserve', 'reserve', 'estimate'] as const),
      ...(['cancel', 'commit', 'delay', 'settle', 'settle decision'] as const),
      ...(['penalise', 'reward', 'reset', 'ban', 'pause', 'lower', 'update'] as const),
    ),
    cost: integer({ min: 0, max: BURST }),
    other: integer({ min: 0, max: 12 }),
    which: nat(20),
    isPatient: boolean(),
  }),
  { minLength: 1, maxLength: 16 },
);
type Step = typeof steps extends { generate(...parameters: never[]): { value: readonly (infer Each)[] } }
  ? Each
  : never;

/** What is asked of both, and what both have given. */
class Twins {
  private readonly local: RateLimiter;
  private readonly shared: SharedRateLimiter;
  private readonly limits: readonly LimitOptions[];
  private readonly held: { readonly local: Reservation; readonly shared: SharedReservation }[] = [];
  private readonly estimates: { readonly local: RateLimitDecision; readonly shared: RateLimitDecision }[] = [];

  constructor(limits: readonly LimitOptions[], namespace: string) {
    const wallTime = (): never => (performance.timeOrigin + performance.now()) as never;
    const clock = { now: wallTime, wallTime, setTimer: () => ({ cancel: () => undefined }) };
    this.limits = limits;
    this.local = rateLimiter({ limits, clock });
    const store = redisLimits(port);
    this.shared = sharedRateLimiter({ limits, store, namespace, storeTimeoutMs: 5_000, onStoreError: 'throw' });
  }

  async play(schedule: readonly Step[]): Promise<void> {
    for (const step of schedule) {
      await nextMillisecond();
      await this.tell(step);
    }
    await nextMillisecond();
    // What stands there in the end is the same, too.
    for (const cost of [0, 1, BURST]) await this.decide('check', this.costOf(cost, cost));
    await this.shared.close();
  }

  private async tell({ verb, cost, other, which, isPatient }: Step): Promise<void> {
    const costs = this.costOf(cost, other);
    if (verb === 'try' || verb === 'check') return this.decide(verb, costs);
    if (verb === 'acquire') return this.acquire(costs);
    if (verb === 'reserve') return this.reserve(costs, isPatient ? Infinity : which * TOKEN_MS);
    if (verb === 'estimate') return this.estimate(costs);
    if (verb === 'settle decision') return this.settleEstimate(which, costs);
    if (verb === 'update') return this.update(which);
    if (verb === 'cancel' || verb === 'commit' || verb === 'delay' || verb === 'settle')
      return this.endPlace(verb, which, costs);
    await this.command(verb, which, costs);
  }

  private costOf(cost: number, other: number): Readonly<Record<string, number>> {
    return Object.fromEntries(this.limits.map(({ name }, at) => [name, at === 0 ? cost : other]));
  }

  private async decide(verb: 'try' | 'check', cost: Readonly<Record<string, number>>): Promise<void> {
    const local = verb === 'try' ? this.local.tryAcquire('key', { cost }) : this.local.check('key', { cost });
    const shared = await (verb === 'try'
      ? this.shared.tryAcquire('key', { cost })
      : this.shared.check('key', { cost }));
    this.compare(local, shared);
  }

  private compare(local: RateLimitDecision, shared: RateLimitDecision): void {
    const { allowed, oversize, limitName, limitValue, remaining, retryAfterMs } = local;
    expect(shared.allowed).toBe(allowed);
    // What never fits a shared limiter need not ask about: it says so first.
    if (oversize || shared.oversize) return;
    expectNear(shared.retryAfterMs, retryAfterMs);
    // Of two limits that fit at the same moment a thousandth of a second decides which is named.
    if (!allowed && shared.limitName !== limitName && this.limits.some(({ name }) => name === limitName)) return;
    expect(shared).toMatchObject({ limitName, limitValue, remaining });
  }

  private async acquire(cost: Readonly<Record<string, number>>): Promise<void> {
    const nameOf = ({ code, reason }: { readonly code?: string; readonly reason?: string }) => `${code} ${reason}`;
    const options = { cost, maxWaitMs: 0 };
    const local = await this.local.acquire('key', options).catch(nameOf);
    const shared = await this.shared.acquire('key', options).catch(nameOf);
    if (typeof local === 'string' || typeof shared === 'string') expect(shared).toBe(local);
    else this.compare(local, shared);
  }

  private async reserve(cost: Readonly<Record<string, number>>, maxWaitMs: number): Promise<void> {
    const local = this.local.reserve('key', { cost, maxWaitMs });
    const shared = await this.shared.reserve('key', { cost, maxWaitMs });
    expect(shared.reserved).toBe(local.reserved);
    if (local.reserved && shared.reserved) {
      expectNear(shared.delayMs, local.delayMs);
      this.held.push({ local, shared });
    } else if (!local.reserved && !shared.reserved && !local.oversize && !shared.oversize) {
      expectNear(shared.retryAfterMs, local.retryAfterMs);
    }
  }

  private async estimate(cost: Readonly<Record<string, number>>): Promise<void> {
    const local = this.local.tryAcquire('key', { cost, settles: true });
    const shared = await this.shared.tryAcquire('key', { cost, settles: true });
    this.compare(local, shared);
    if (local.allowed) this.estimates.push({ local, shared });
  }

  private async settleEstimate(which: number, cost: Readonly<Record<string, number>>): Promise<void> {
    if (this.estimates.length === 0) return;
    const { local, shared } = this.estimates[which % this.estimates.length]!;
    expect(await this.shared.settle(shared, cost)).toBe(this.local.settle(local, cost));
  }

  private async endPlace(
    verb: 'cancel' | 'commit' | 'delay' | 'settle',
    which: number,
    cost: Readonly<Record<string, number>>,
  ): Promise<void> {
    if (this.held.length === 0) return;
    const { local, shared } = this.held[which % this.held.length]!;
    if (verb === 'cancel') expect(await shared.cancel()).toBe(local.cancel());
    else if (verb === 'commit') expect(await shared.commit()).toBe(local.commit());
    else if (verb === 'settle') expect(await shared.settle(cost)).toBe(local.settle(cost));
    else expect(await shared.delayBy(which * TOKEN_MS)).toBe(local.delayBy(which * TOKEN_MS));
    expect(shared.state).toBe(local.state);
    expectNear(shared.delayMs, local.delayMs);
  }

  private async command(
    verb: 'penalise' | 'reward' | 'reset' | 'ban' | 'pause' | 'lower',
    which: number,
    cost: Readonly<Record<string, number>>,
  ): Promise<void> {
    const heldMs = (which + 1) * TOKEN_MS;
    const refusal = { status: 429, headers: { 'retry-after-ms': String(heldMs) } };
    const quotas = Object.entries(cost).map(([name, left]) => `"${name}";r=${left}`);
    const told = { status: 200, headers: { ratelimit: quotas.join(', ') } };
    if (verb === 'reset' || verb === 'reward') this.forgetTaken();
    for (const limiter of [this.local, this.shared]) {
      if (verb === 'penalise') await limiter.penalise('key', cost);
      else if (verb === 'reward') await limiter.reward('key', cost);
      else if (verb === 'reset') await limiter.reset('key');
      else if (verb === 'ban') await limiter.ban('key', heldMs);
      else await limiter.feedback(verb === 'pause' ? refusal : told, 'key');
    }
  }

  /** What a reset or a reward has taken off can't be told apart from what its holder gives back afterwards. */
  private forgetTaken(): void {
    this.estimates.length = 0;
    const later = this.held.filter(({ local }) => local.delayMs > 0);
    this.held.splice(0, this.held.length, ...later);
  }

  /** A bucket is paid for at the pace of before in Redis, which no local one can do: those keep their numbers. */
  private async update(which: number): Promise<void> {
    const { name, algorithm, limit, periodMs } = this.limits[0]!;
    if (algorithm === undefined) return;
    const change = { limit: limit - 2 + (which % 5), periodMs: which % 2 === 0 ? periodMs : periodMs / 2 };
    this.local.update(change, name);
    await this.shared.update(change, name);
  }
}

/** A bucket in Redis goes by whole milliseconds: what follows must not be at the same time there and later here. */
async function nextMillisecond(): Promise<void> {
  const before = performance.now();
  while (performance.now() - before <= 1) await new Promise((resolve) => setImmediate(resolve));
}

function expectNear(ms: number, otherMs: number): void {
  if (ms === otherMs) return;
  expect(Math.abs(ms - otherMs)).toBeLessThan(TOLERANCE_MS);
}

const settings: readonly { readonly name: string; readonly limits: readonly LimitOptions[] }[] = [
  { name: 'gcra', limits: [{ name: 'one', limit: 60, periodMs: 60 * TOKEN_MS, burst: BURST }] },
  { name: 'strict gcra', limits: [{ name: 'one', limit: 65, periodMs: 60 * TOKEN_MS, burst: BURST, strict: true }] },
  ...[slidingLog, slidingWindow, fixedWindow].map((algorithm: LimitAlgorithm) => ({
    name: algorithm.kind,
    limits: [{ name: 'one', limit: BURST, periodMs: LONGEST_MS, algorithm }],
  })),
  {
    name: 'two buckets',
    limits: [
      { name: 'one', limit: 60, periodMs: 60 * TOKEN_MS, burst: BURST },
      // Its tokens come at no moment at which the other's do.
      { name: 'two', limit: 97, periodMs: 60 * TOKEN_MS, burst: 12 },
    ],
  },
  {
    name: 'a bucket and a log',
    limits: [
      { name: 'one', limit: BURST, periodMs: 30 * TOKEN_MS, algorithm: slidingLog },
      { name: 'two', limit: 60, periodMs: 60 * TOKEN_MS, burst: 12 },
    ],
  },
];

describe.skipIf(redisMissing !== undefined).each(settings)('on a real Redis: $name', ({ name, limits }) => {
  it('says what a limiter in this process says, by whatever verbs and in whatever order', async () => {
    let schedules = 0;
    await assert(
      asyncProperty(steps, (schedule) => new Twins(limits, `${name} ${schedules++}`).play(schedule)),
      { ...modelRuns(), numRuns: modelRuns().numRuns / 40 },
    );
  });
});
