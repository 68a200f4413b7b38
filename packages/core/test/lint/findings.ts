/** For each finding of lint a pipeline that has it, the same mended, and what becomes of traffic under either. */
import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  hedge,
  isRetryable,
  pipeline,
  type Policy,
  retry,
  retryBudget,
  timeout,
} from 'breakwater';
import type { LintCode } from 'breakwater/registry';
import { seededRandom, type VirtualClock } from 'breakwater/testing';
import { type Calls, Tally, traffic, Upstream } from './traffic.ts';

/** The figures of one run, by what they are called on the page. */
export type Figures = Readonly<Record<string, number>>;

export interface Finding {
  readonly code: LintCode;
  /** The policies that lint finds it in. */
  readonly bad: () => readonly Policy[];
  /** Those that it is silent about. */
  readonly good: () => readonly Policy[];
  readonly figures: (calls: Calls, clock: VirtualClock) => Promise<Figures>;
}

/** Pipelines of the same seed, so that every run gives the same figures. */
export function pipelineOf(policies: readonly Policy[], clock: VirtualClock): Calls {
  return pipeline({ clock, random: seededRandom(1) }, ...policies);
}

const limit = (timeoutMs: number): Policy => timeout({ timeoutMs });
const attempts = (maxAttempts: number, delayMs = 100): Policy => retry({ maxAttempts, backoff: constant(delayMs) });

export const findings: readonly Finding[] = [
  {
    code: 'NO_TIMEOUT',
    bad: () => [bulkhead({ maxConcurrent: 10 })],
    good: () => [limit(10_000), bulkhead({ maxConcurrent: 10 }), limit(2_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, (run) => (run % 100 === 0 ? 'hangs' : 'answers'));
      const { answered, refused } = await traffic(calls, upstream, clock, { count: 6_000, everyMs: 100 });
      return { answered, refused };
    },
  },
  {
    code: 'OUTER_TIMEOUT_TOO_SHORT',
    bad: () => [limit(1_000), attempts(3), limit(2_000)],
    good: () => [limit(10_000), attempts(3), limit(1_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, (run) => (run % 3 === 0 ? 'hangs' : 'answers'));
      const { answered, failed } = await traffic(calls, upstream, clock, { count: 1_000, everyMs: 3_000 });
      return { answered, failed, 'second attempts': upstream.asked - 1_000 };
    },
  },
  {
    code: 'ATTEMPTS_EXCEED_TIMEOUT',
    bad: () => [limit(5_000), attempts(4), limit(2_000)],
    good: () => [limit(10_000), attempts(4), limit(2_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, (_, attempt) => (attempt < 4 ? 'hangs' : 'answers'));
      const { answered, failed } = await traffic(calls, upstream, clock, { count: 100, everyMs: 1_000 });
      return { answered, failed, 'attempts of a call': upstream.asked / 100 };
    },
  },
  {
    code: 'NESTED_RETRIES',
    bad: () => [limit(60_000), attempts(3), attempts(4), limit(1_000)],
    good: () => [limit(60_000), attempts(3), limit(1_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, () => 'fails');
      const { failed } = await traffic(calls, upstream, clock, { count: 100, everyMs: 1_000 });
      return { failed, 'calls of the upstream': upstream.asked };
    },
  },
  {
    code: 'OPEN_BREAKER_RETRIED',
    bad: () => [
      limit(120_000),
      retry({ backoff: constant(100), retryIf: (error) => error instanceof Error }),
      circuitBreaker({ trip: consecutive(5) }),
      limit(1_000),
    ],
    good: () => [
      limit(120_000),
      retry({
        backoff: constant(100),
        retryIf: (error) => isRetryable(error) && error instanceof Error,
      }),
      circuitBreaker({ trip: consecutive(5) }),
      limit(1_000),
    ],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, () => 'fails');
      await traffic(calls, upstream, clock, { count: 2, everyMs: 0 });
      const tally = new Tally();
      const told = tally.add(calls, upstream, clock);
      await clock.settle(told);
      return { 'milliseconds until a caller is told': tally.tookMs };
    },
  },
  {
    code: 'SAMPLING_TOO_SHORT',
    bad: () => [limit(60_000), circuitBreaker({ samplingMs: 5_000 }), limit(6_000)],
    good: () => [limit(60_000), circuitBreaker({ samplingMs: 12_000 }), limit(6_000)],
    async figures(calls, clock) {
      // Six callers, each of which calls again as soon as it is told.
      const upstream = new Upstream(clock, 100, () => 'hangs');
      const tally = new Tally();
      const until = clock.now() + 600_000;
      const callers = Array.from({ length: 6 }, async () => {
        while (clock.now() < until) {
          await tally.add(calls, upstream, clock);
          await new Promise<void>((resolve) => void clock.setTimer(100, resolve));
        }
      });
      await clock.settle(Promise.all(callers), 100_000);
      return { 'calls that hung for six seconds': upstream.asked, 'refused at once': tally.refused };
    },
  },
  {
    code: 'THROUGHPUT_UNREACHABLE',
    bad: () => [limit(60_000), circuitBreaker({ minThroughput: 20 }), bulkhead({ maxConcurrent: 5 }), limit(4_000)],
    good: () => [limit(60_000), circuitBreaker({ minThroughput: 10 }), bulkhead({ maxConcurrent: 5 }), limit(4_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, () => 'hangs');
      await traffic(calls, upstream, clock, { count: 6_000, everyMs: 100 });
      return { 'calls that hung for four seconds': upstream.asked };
    },
  },
  {
    code: 'FALLBACK_INSIDE_RETRY',
    bad: () => [limit(9_000), attempts(3), fallback({ value: 'none' }), limit(1_000)],
    good: () => [fallback({ value: 'none' }), limit(9_000), attempts(3), limit(1_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, (run) => (run % 2 === 0 ? 'answers' : 'fails'));
      const { answered, stoodIn } = await traffic(calls, upstream, clock, { count: 1_000, everyMs: 1_000 });
      return { answered, 'fallbacks in place of an answer': stoodIn };
    },
  },
  {
    code: 'QUEUE_OUTLASTS_TIMEOUT',
    bad: () => [limit(2_000), bulkhead({ maxConcurrent: 2, maxQueue: 50 }), limit(1_000)],
    good: () => [limit(2_000), bulkhead({ maxConcurrent: 2, maxQueue: 3 }), limit(1_000)],
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 900, () => 'answers');
      const { answered, failed, refused } = await traffic(calls, upstream, clock, { count: 100, everyMs: 0 });
      return { answered, 'waited two seconds for nothing': failed, 'refused at once': refused };
    },
  },
  {
    code: 'BUDGET_NOT_SHARED',
    bad: () => [limit(30_000), attempts(3), hedge({ delayMs: 500 }), limit(2_000)],
    good: () => {
      const budget = retryBudget();
      return [
        limit(30_000),
        retry({ maxAttempts: 3, backoff: constant(100), budget }),
        hedge({ delayMs: 500, budget }),
        limit(2_000),
      ];
    },
    async figures(calls, clock) {
      const upstream = new Upstream(clock, 100, () => 'hangs');
      await traffic(calls, upstream, clock, { count: 1_000, everyMs: 10 });
      return { 'calls of an upstream that hangs': upstream.asked };
    },
  },
];
