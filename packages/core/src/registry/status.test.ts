import { describe, expect, it } from 'vitest';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { keyed } from '../keyed/keyed.ts';
import { rateLimit } from '../rate-limit/policy.ts';
import { rateLimiter } from '../rate-limit/local-limiter.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Policy } from '../policy/policy.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import { lintPipeline } from './lint.ts';
import { statusOf } from './status.ts';

/** What a user writes: the contract, and nothing else. */
const own: Policy = { kind: 'own', enter: () => undefined, leave: (_call, _at, outcome) => outcome, cancel: () => {} };

describe('the status of a pipeline', () => {
  it('calls what has no name by its kind', () => {
    const status = statusOf(pipeline(own));
    expect(status.name).toBe('pipeline');
    expect(status.policies).toEqual([{ kind: 'own', name: 'own', options: {}, state: {} }]);
  });

  it('calls a pipeline that another library made, and that has no name, by its kind as well', () => {
    const foreign = { busy: 2, policies: [own] };
    expect(statusOf(foreign)).toMatchObject({ name: 'pipeline', busy: 2 });
    expect(lintPipeline(foreign).map(({ place }) => place)).toEqual(['pipeline']);
    const nested = { ...own, kind: 'pipeline', policies: [retry({ maxAttempts: 3 })] } as Policy;
    const row = { policies: [timeout({ timeoutMs: 9_000 }), retry({ maxAttempts: 2 }), nested] };
    expect(lintPipeline(row).map(({ place }) => place)).toContain('pipeline[2].pipeline[0]');
  });

  it('shows the policies of a pipeline that stands in the row inside it', () => {
    const inner = pipeline({ name: 'attempts' }, retry({ maxAttempts: 2 }), timeout({ timeoutMs: 50 }));
    const [nested] = statusOf(pipeline({ name: 'outer' }, inner)).policies;
    expect(nested?.kind).toBe('pipeline');
    expect(nested?.policies?.map(({ kind }) => kind)).toEqual(['retry', 'timeout']);
  });

  it('tells the statistics of a limit, and no function among its options', () => {
    const limit = rateLimit(rateLimiter({ limit: 2, periodMs: 1_000 }), { key: () => 'a' });
    const [status] = statusOf(pipeline(limit)).policies;
    expect(status?.state['statistics']).toMatchObject({ admitted: 0 });
    expect(Object.values(status?.options ?? {}).some((value) => typeof value === 'function')).toBe(false);
  });

  it('shows the state of each key of a keyed policy, the open ones first, and not more than a hundred', async () => {
    const hosts = keyed(() => circuitBreaker({ trip: consecutive(1) }));
    const calls = pipeline(hosts);
    const ask = async (host: number): Promise<string> => {
      if (host === 149) throw new Error('down');
      return 'up';
    };
    for (let host = 0; host < 150; host++) await calls.tryExecute(() => ask(host), { key: `host ${host}` });
    const [status] = statusOf(calls).policies;
    const { state, keys } = status!;
    expect([state['size'], keys?.length]).toEqual([150, 100]);
    expect(keys?.slice(0, 2)).toMatchObject([
      { key: 'host 149', state: { state: 'open' } },
      { key: 'host 0', state: { state: 'closed' } },
    ]);
  });
});
