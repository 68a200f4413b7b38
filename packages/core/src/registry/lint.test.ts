import { describe, expect, it } from 'vitest';
import { adaptiveConcurrency } from '../adaptive-concurrency/adaptive-concurrency.ts';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { fallback } from '../fallback/fallback.ts';
import { retryBudget } from '../gates/retry-budget.ts';
import { isRetryable } from '../gates/retryable.ts';
import { hedge } from '../hedge/hedge.ts';
import { keyed } from '../keyed/keyed.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Policy } from '../policy/policy.ts';
import { background, costOptimised, critical, database, httpClient, integrated, llmApi } from '../presets/presets.ts';
import { rateLimiter } from '../rate-limit/local-limiter.ts';
import { rateLimit } from '../rate-limit/policy.ts';
import { constant, exponential, linear } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import { lintPipeline } from './lint.ts';

const limit = (timeoutMs: number): Policy => timeout({ timeoutMs });
const attempts = (maxAttempts: number, waitMs = 0): Policy => retry({ maxAttempts, backoff: constant(waitMs) });
const found = (...policies: readonly Policy[]): readonly string[] =>
  lintPipeline(pipeline({ name: 'p' }, ...policies)).map(({ code, place }) => `${code} ${place}`);

const ownRetryIf = retry({ retryIf: (error) => error instanceof Error });
const limiter = (count: number): Policy => rateLimit(rateLimiter({ limit: count, periodMs: 10_000, burst: 1 }));

describe('lint of policies of your own', () => {
  const ownRetry = (options?: object): Policy =>
    ({ kind: 'retry', options, around: (_context, next) => next() }) as Policy;

  it('calls a pipeline without a name a pipeline', () => {
    expect(lintPipeline({ policies: [attempts(2)] }).map(({ place }) => place)).toEqual(['pipeline']);
  });

  it('takes a retry that does not tell its condition for one as the library makes it', () => {
    expect(found(limit(60_000), ownRetry({ maxAttempts: 3 }), circuitBreaker(), limit(1_000))).toEqual([]);
    expect(found(limit(60_000), ownRetry(), circuitBreaker(), limit(1_000))).toEqual([]);
  });
});

describe('lint finds', () => {
  it.each<[string, readonly Policy[], readonly string[]]>([
    ['no timeout at all', [attempts(2)], ['NO_TIMEOUT p']],
    ['no timeout around a breaker', [circuitBreaker({ trip: consecutive(5) })], ['NO_TIMEOUT p']],
    [
      'an outer timeout that is shorter than an attempt',
      [limit(1_000), limit(2_000)],
      ['OUTER_TIMEOUT_TOO_SHORT p[1]'],
    ],
    ['one that is as long', [limit(1_000), attempts(1), limit(1_000)], ['OUTER_TIMEOUT_TOO_SHORT p[2]']],
    ['attempts that do not fit', [limit(5_000), attempts(3), limit(2_000)], ['ATTEMPTS_EXCEED_TIMEOUT p[0]']],
    ['waits that do not fit', [limit(5_000), attempts(3, 2_000), limit(500)], ['ATTEMPTS_EXCEED_TIMEOUT p[0]']],
    [
      'waits in a queue that do not fit',
      [limit(5_000), attempts(3), bulkhead({ maxQueue: 9, maxQueueWaitMs: 1_500 }), limit(500)],
      ['ATTEMPTS_EXCEED_TIMEOUT p[0]'],
    ],
    [
      'growing waits that do not fit',
      [limit(10_000), retry({ maxAttempts: 5, backoff: exponential({ initialMs: 1_000 }) }), limit(100)],
      ['ATTEMPTS_EXCEED_TIMEOUT p[0]'],
    ],
    ['a retry in a retry', [limit(60_000), attempts(3), attempts(4), limit(100)], ['NESTED_RETRIES p[2]']],
    [
      'a retry in a pipeline that stands inside',
      [limit(60_000), attempts(3), pipeline({ name: 'inner' }, attempts(2), limit(100))],
      ['NESTED_RETRIES p[2].inner[0]'],
    ],
    [
      'a retry of what an open breaker refuses',
      [limit(60_000), ownRetryIf, circuitBreaker(), limit(2_000)],
      ['OPEN_BREAKER_RETRIED p[1]'],
    ],
    [
      'a sampling window shorter than two attempts',
      [limit(60_000), circuitBreaker({ samplingMs: 10_000 }), limit(6_000)],
      ['SAMPLING_TOO_SHORT p[1]'],
    ],
    [
      'a throughput that the bulkhead can not reach',
      [limit(60_000), circuitBreaker({ minThroughput: 20 }), bulkhead({ maxConcurrent: 5 }), limit(4_000)],
      ['THROUGHPUT_UNREACHABLE p[1]'],
    ],
    [
      'a throughput that a bulkhead outside can not reach',
      [limit(60_000), bulkhead({ maxConcurrent: 2 }), circuitBreaker(), limit(5_000)],
      ['THROUGHPUT_UNREACHABLE p[2]'],
    ],
    [
      'a throughput that the rate limit can not reach',
      [limit(60_000), circuitBreaker(), limiter(5), limit(1_000)],
      ['THROUGHPUT_UNREACHABLE p[1]'],
    ],
    [
      'a fallback in a retry',
      [limit(9_000), attempts(3), fallback({ value: 0 }), limit(1_000)],
      ['FALLBACK_INSIDE_RETRY p[2]'],
    ],
    [
      'a queue that outlasts the timeout',
      [limit(2_000), bulkhead({ maxConcurrent: 2, maxQueue: 50, maxQueueWaitMs: 3_000 }), limit(1_000)],
      ['QUEUE_OUTLASTS_TIMEOUT p[1]'],
    ],
    [
      'a queue that is too long by Little’s law',
      [limit(2_000), bulkhead({ maxConcurrent: 2, maxQueue: 50 }), limit(1_000)],
      ['QUEUE_OUTLASTS_TIMEOUT p[1]'],
    ],
    [
      'a hedge and a retry without a budget',
      [limit(9_000), attempts(2), hedge(), limit(1_000)],
      ['BUDGET_NOT_SHARED p[2]'],
    ],
    [
      'a hedge and a retry with a budget each',
      [
        limit(9_000),
        retry({ maxAttempts: 2, backoff: constant(0), budget: retryBudget() }),
        hedge({ budget: retryBudget() }),
        limit(1_000),
      ],
      ['BUDGET_NOT_SHARED p[2]'],
    ],
    ['no timeout around a hedge', [hedge()], ['NO_TIMEOUT p']],
    ['no timeout in a pipeline that stands inside', [pipeline({ name: 'inner' }, attempts(3))], ['NO_TIMEOUT p']],
    [
      'a timeout that the one of the pipeline around it cuts off',
      [limit(1_000), pipeline({ name: 'inner' }, limit(2_000))],
      ['OUTER_TIMEOUT_TOO_SHORT p[1].inner[0]'],
    ],
    [
      'the shortest of several outer timeouts',
      [limit(9_000), limit(1_000), limit(2_000)],
      ['OUTER_TIMEOUT_TOO_SHORT p[2]'],
    ],
    [
      'waits for a rate limit that do not fit',
      [
        limit(5_000),
        attempts(3),
        rateLimit(rateLimiter({ limit: 9, periodMs: 1_000 }), { maxWaitMs: 1_500 }),
        limit(500),
      ],
      ['ATTEMPTS_EXCEED_TIMEOUT p[0]'],
    ],
    [
      'linear waits that do not fit',
      [limit(10_000), retry({ maxAttempts: 4, backoff: linear({ initialMs: 2_000 }) }), limit(100)],
      ['ATTEMPTS_EXCEED_TIMEOUT p[0]'],
    ],
    [
      'attempts that do not fit in a pipeline that stands inside',
      [limit(5_000), pipeline({ name: 'inner' }, attempts(3), limit(2_000))],
      ['ATTEMPTS_EXCEED_TIMEOUT p[0]'],
    ],
    ['three retries', [limit(60_000), attempts(2), attempts(2), attempts(2), limit(100)], ['NESTED_RETRIES p[2]']],
    [
      'a retry of everything around a breaker in a pipeline that stands inside',
      [limit(60_000), retry({ retryIf: () => true }), pipeline({ name: 'inner' }, circuitBreaker(), limit(2_000))],
      ['OPEN_BREAKER_RETRIED p[1]'],
    ],
    [
      'a sampling window shorter than one attempt',
      [limit(60_000), circuitBreaker({ samplingMs: 3_000 }), limit(4_000)],
      ['SAMPLING_TOO_SHORT p[1]'],
    ],
    [
      'a throughput that a rate limit outside can not reach',
      [limit(60_000), limiter(5), circuitBreaker(), limit(1_000)],
      ['THROUGHPUT_UNREACHABLE p[2]'],
    ],
    [
      'a fallback in a pipeline that stands in a retry',
      [limit(9_000), attempts(3), pipeline({ name: 'inner' }, fallback({ value: 0 }), limit(1_000))],
      ['FALLBACK_INSIDE_RETRY p[2].inner[0]'],
    ],
    [
      'a queue of a limit that adapts and outlasts the timeout',
      [limit(2_000), adaptiveConcurrency({ initialLimit: 5, maxQueue: 50 }), limit(1_000)],
      ['QUEUE_OUTLASTS_TIMEOUT p[1]'],
    ],
    [
      'a budget that only the hedge has',
      [limit(9_000), attempts(2), hedge({ budget: retryBudget() }), limit(1_000)],
      ['BUDGET_NOT_SHARED p[2]'],
    ],
    [
      'a preset whose attempts were given more time than the whole call',
      [...httpClient({ totalTimeout: { timeoutMs: 4_000 }, attemptTimeout: { timeoutMs: 5_000 } }).policies],
      ['OUTER_TIMEOUT_TOO_SHORT p[4]'],
    ],
    [
      'a breaker for each key whose refusals are repeated',
      [limit(60_000), retry({ retryIf: () => true }), keyed(() => circuitBreaker()), limit(1_000)],
      ['OPEN_BREAKER_RETRIED p[1]'],
    ],
    [
      'a breaker for each key that forgets too soon',
      [limit(60_000), keyed(() => circuitBreaker({ samplingMs: 5_000 })), limit(3_000)],
      ['SAMPLING_TOO_SHORT p[1]'],
    ],
    [
      'several at once, the gravest first',
      [attempts(2), fallback({ value: 0 }), attempts(2)],
      ['FALLBACK_INSIDE_RETRY p[1]', 'NO_TIMEOUT p', 'NESTED_RETRIES p[2]'],
    ],
  ])('%s', (_, policies, expected) => {
    expect(found(...policies)).toEqual(expected);
  });

  it('a message and a remedy for each', () => {
    const [finding] = lintPipeline(pipeline({ name: 'stock' }, limit(5_000), attempts(3), limit(2_000)));
    expect(finding).toMatchObject({ severity: 'warning', place: 'stock[0]' });
    expect(finding?.message).toContain('may take 6s, this timeout ends the call after 5s');
    expect(finding?.remedy).not.toBe('');
  });
});

describe('lint goes by what policies of others tell', () => {
  const told = (kind: string, more: object): Policy => ({
    kind,
    enter: () => undefined,
    leave: (_call, _at, outcome) => outcome,
    cancel: () => {},
    ...more,
  });

  it('a retry that does not say what it retries retries what ours do, and no open breaker', () => {
    const theirs = told('retry', { options: { maxAttempts: 3 } });
    expect(found(limit(60_000), theirs, circuitBreaker(), limit(100))).toEqual([]);
  });

  it('a breaker without a name is one all the same', () => {
    expect(found(limit(60_000), ownRetryIf, told('circuit-breaker', {}), limit(2_000))).toEqual([
      'OPEN_BREAKER_RETRIED p[1]',
    ]);
  });

  it('a limit that lists nothing limits nothing', () => {
    expect(found(told('rate-limit', {}), circuitBreaker(), limit(1_000))).toEqual([]);
  });

  it('a bulkhead does not keep a breaker from its calls where nothing says how long one takes', () => {
    const codes = lintPipeline(pipeline(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), circuitBreaker())).map(
      ({ code }) => code,
    );
    expect(codes).not.toContain('THROUGHPUT_UNREACHABLE');
  });
});

describe('lint is silent about', () => {
  const budget = retryBudget();
  it.each<[string, readonly Policy[]]>([
    ['an empty pipeline', []],
    ['a single timeout', [limit(1_000)]],
    ['attempts that fit', [limit(7_000), attempts(3), limit(2_000)]],
    ['attempts without a limit of their own', [limit(7_000), attempts(3)]],
    ['a limit on what is inside a retry that tries once', [limit(2_500), attempts(1), limit(2_000)]],
    ['a retry that tries once inside another', [limit(60_000), attempts(3), attempts(1), limit(100)]],
    ['a timeout that a function says', [timeout({ timeoutMs: () => 5 }), attempts(3), timeout({ timeoutMs: () => 9 })]],
    [
      'a retry with a condition that leaves refusals out',
      [limit(60_000), retry({ retryIf: (error) => isRetryable(error) }), circuitBreaker(), limit(2_000)],
    ],
    [
      'a retry whose condition throws',
      [
        limit(60_000),
        retry({ retryIf: (error) => (error as { a: { b: boolean } }).a.b }),
        circuitBreaker(),
        limit(2_000),
      ],
    ],
    [
      'a breaker by failures in a row',
      [limit(60_000), circuitBreaker({ trip: consecutive(5) }), bulkhead({ maxConcurrent: 1 }), limit(9_000)],
    ],
    ['a window of two attempts', [limit(60_000), circuitBreaker({ samplingMs: 12_000 }), limit(6_000)]],
    ['a rate limit that lets enough through', [limit(60_000), circuitBreaker(), limiter(50), limit(1_000)]],
    ['a timeout for each key', [keyed(() => limit(1_000))]],
    [
      'places for each key, of which there may be many',
      [limit(60_000), circuitBreaker(), keyed(() => bulkhead({ maxConcurrent: 1 })), limit(5_000)],
    ],
    [
      'a policy that wants to know its key',
      [limit(60_000), keyed((host) => (host === '' ? timeout({ timeoutMs: -1 }) : circuitBreaker())), limit(1_000)],
    ],
    ['a fallback outside', [fallback({ value: 0 }), limit(9_000), attempts(3), limit(1_000)]],
    [
      'a queue that is short enough for a limit that adapts',
      [limit(2_000), adaptiveConcurrency({ maxQueue: 10 }), limit(1_000)],
    ],
    ['a queue that is short enough', [limit(2_000), bulkhead({ maxConcurrent: 10, maxQueue: 5 }), limit(1_000)]],
    [
      'a hedge and a retry with one budget',
      [limit(9_000), retry({ maxAttempts: 2, backoff: constant(0), budget }), hedge({ budget }), limit(1_000)],
    ],
  ])('%s', (_, policies) => {
    expect(found(...policies)).toEqual([]);
  });

  it.each([httpClient, llmApi, database, critical, background, costOptimised, integrated])(
    'the preset %o',
    (preset) => {
      expect(lintPipeline(preset())).toEqual([]);
    },
  );
});
