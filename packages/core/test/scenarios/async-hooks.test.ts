/** Hooks that have to answer at once, given as async functions: plain JavaScript lets them pass. */
import { circuitBreaker, consecutive, constant, fallback, hedge, keyed, pipeline, retry, timeout } from 'breakwater';
import type { Policy } from 'breakwater/policy';
import { chaosLatency, VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { microtasks } from '../../src/testing/test-support/watched.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const bug = new Error('a bug in the hook');
const later = (answer: unknown): never =>
  (async () => {
    if (answer === bug) throw bug;
    return answer;
  }) as never;
const down = vi.fn(() => {
  throw new Error('down');
});

/** What a call that fails came to under a policy, and what was told of its hooks. */
async function failUnder(policy: Policy) {
  const calls = pipeline({ clock }, policy);
  const told: unknown[] = [];
  calls.on('hook-failed', ({ hook, error }) => told.push([hook, error]));
  down.mockClear();
  const outcome = await calls.tryExecute(down);
  await microtasks();
  return { outcome, told, attempts: down.mock.calls.length };
}

const refused = (hook: string) => [hook, expect.objectContaining({ name: 'TypeError' })];

describe('a condition that answers with a promise', () => {
  it('does not count as true: nothing is tried again, hedged or replaced, and hook-failed tells', async () => {
    const policies: readonly (readonly [hook: string, policy: Policy])[] = [
      ['retryIf', retry({ backoff: constant(0), retryIf: later(false) })],
      ['hedgeIf', hedge({ delayMs: 'on-failure', hedgeIf: later(false) })],
      ['handleIf', fallback({ value: 'substitute', handleIf: later(false) })],
    ];
    for (const [hook, policy] of policies) {
      const { outcome, told, attempts } = await failUnder(policy);
      expect(outcome).toMatchObject({ ok: false, error: { message: 'down' } });
      expect([told, attempts]).toEqual([[refused(hook)], 1]);
    }
  });

  it('leaves an error a failure to a breaker', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), failureIf: later(false) });
    expect((await failUnder(breaker)).told).toEqual([refused('failureIf')]);
    expect(breaker.state).toBe('open');
  });

  it('that rejects is told of, and leaves no rejection unhandled', async () => {
    const { told } = await failUnder(retry({ backoff: constant(0), retryIf: later(bug) }));
    expect(told).toEqual([refused('retryIf'), ['retryIf', bug]]);
  });
});

describe('a number that is given as a promise', () => {
  it('is none for a timeout or a latency, which is then nothing, nor for a break, which is the default', async () => {
    const told = async (policy: Policy) => (await failUnder(policy)).told;
    expect(await told(timeout({ timeoutMs: later(5) }))).toEqual([refused('timeoutMs')]);
    expect(await told(timeout({ timeoutMs: later(bug) }))).toEqual([refused('timeoutMs'), ['timeoutMs', bug]]);
    const latency = chaosLatency({ injectionRatio: 1, latencyMs: later(bug) });
    expect(await told(latency)).toEqual([refused('latencyMs'), ['latencyMs', bug]]);
    const breaker = circuitBreaker({ trip: consecutive(1), breakMs: later(bug) });
    expect(await told(breaker)).toEqual([refused('breakMs'), ['breakMs', bug]]);
    expect(breaker.retryAfterMs).toBe(30_000);
  });
});

describe('a key that is given as a promise', () => {
  it('fails the call, and is no key for a policy', async () => {
    const breakers = keyed(() => circuitBreaker(), { key: later(bug) });
    const { outcome, told, attempts } = await failUnder(breakers);
    expect(outcome).toMatchObject({ ok: false, error: { name: 'TypeError' } });
    expect([told, attempts, breakers.size]).toEqual([[['key', bug]], 0, 0]);
  });
});
