import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Policy } from '../policy/policy.ts';
import { type Backoff, constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import { rowOf } from './policy-row.ts';
import { worstCaseMs } from './worst-case.ts';

const worstOf = (...policies: readonly Policy[]): number => worstCaseMs(rowOf(pipeline(...policies)));
const attempt = timeout({ timeoutMs: 100 });
const fromError: Backoff = { delayMs: ({ error }) => (error as Error).message.length, maxMs: 700 };

describe('the worst time of a call', () => {
  it('has no end where nothing ends the function', () => {
    expect(worstOf(retry({ maxAttempts: 2 }))).toBe(Infinity);
  });

  it('is all attempts and the waits between them', () => {
    expect(worstOf(retry({ maxAttempts: 3, backoff: constant(50), jitter: 'none' }), attempt)).toBe(400);
  });

  it('is the elapsed limit and one attempt more where that is sooner', () => {
    expect(worstOf(retry({ maxAttempts: 9, backoff: constant(50), maxElapsedMs: 200 }), attempt)).toBe(300);
    expect(worstOf(retry({ maxAttempts: 2, backoff: constant(50), maxElapsedMs: 9_000 }), attempt)).toBe(250);
  });

  it('has no end either where there is none to the attempts, unless the elapsed time is limited', () => {
    expect(worstOf(retry({ maxAttempts: Infinity }), attempt)).toBe(Infinity);
    expect(worstOf(retry({ maxAttempts: Infinity, maxElapsedMs: 200 }), attempt)).toBe(300);
  });

  it('is found at once for any number of attempts: only the first thousand waits are looked at', () => {
    const asked: number[] = [];
    const early: Backoff = { delayMs: ({ attempt: number }) => (asked.push(number), 10), maxMs: 20 };
    expect(worstOf(retry({ maxAttempts: 1_000_001, backoff: early }), attempt)).toBe(
      1_000_001 * 100 + 10_000 + 999_000 * 20,
    );
    expect(asked).toHaveLength(1_000);
  });

  it('takes the cap of a backoff that wants to see a real error', () => {
    expect(worstOf(retry({ maxAttempts: 2, backoff: fromError }), attempt)).toBe(900);
  });

  it('takes one attempt and no wait for a retry of your own that tells nothing', () => {
    const own: Policy = { kind: 'retry', around: (_context, next) => next() };
    expect(worstOf(own, attempt)).toBe(100);
  });

  it('takes the cap of a backoff that answers with no time, and no wait for one that is not told', () => {
    const wrong: Backoff = { delayMs: () => 'soon' as never, maxMs: 700 };
    expect(worstOf(retry({ maxAttempts: 2, backoff: wrong }), attempt)).toBe(900);
    const own = {
      kind: 'retry',
      options: { maxAttempts: 3 },
      around: (_context: unknown, next: () => unknown) => next(),
    };
    expect(worstOf(own as Policy, attempt)).toBe(300);
  });

  it('counts the queue of a bulkhead only where there is one', () => {
    expect(worstOf(bulkhead({ maxConcurrent: 1, maxQueue: 5, maxQueueWaitMs: 30 }), attempt)).toBe(130);
    expect(worstOf(bulkhead({ maxConcurrent: 1, maxQueue: 0 }), attempt)).toBe(100);
  });
});
