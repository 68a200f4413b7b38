import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { isBreakwaterError } from '../errors/breakwater-error.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { pipelineRegistry, type PipelineRegistry } from './registry.ts';

const fails = async (): Promise<never> => {
  throw new Error('down');
};

function faultsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    if (error instanceof ConfigurationError)
      return error.faults.map(({ path, hint }) => (hint ? `${path} (${hint})` : path));
    throw error;
  }
  return [];
}

function stateOf(
  registry: PipelineRegistry,
  pipeline: string,
  kind: string,
): Readonly<Record<string, unknown>> | undefined {
  const status = registry.list().find(({ name }) => name === pipeline);
  return status?.policies.find((policy) => policy.kind === kind)?.state;
}

const breaker = { circuitBreaker: { trip: { consecutive: { failures: 1 } }, breakMs: '1m' } };
const row = (...policies: readonly unknown[]): object => ({ pipelines: { stock: { policies } } });

describe('a registry', () => {
  it('makes pipelines by name from one object, of presets or of rows of policies', async () => {
    const registry = pipelineRegistry({
      pipelines: {
        stock: { preset: 'httpClient', fallback: { value: 'none' }, bulkhead: false },
        prices: { policies: [{ timeout: '5s' }, { retry: 2 }, 'circuitBreaker', { bulkhead: { maxConcurrent: 3 } }] },
      },
    });
    expect(registry.names).toEqual(['stock', 'prices']);
    expect(await registry.get('stock').execute(async () => 'item')).toBe('item');
    const [stock, prices] = registry.list().map(({ policies }) => policies.map(({ kind }) => kind));
    expect(stock).toEqual(['fallback', 'timeout', 'retry', 'circuit-breaker', 'timeout']);
    expect(prices).toEqual(['timeout', 'retry', 'circuit-breaker', 'bulkhead']);
  });

  it('says which name was meant when there is no such pipeline', () => {
    const registry = pipelineRegistry({ pipelines: { stock: { preset: 'integrated' } } });
    expect(registry.has('stok')).toBe(false);
    expect(faultsOf(() => registry.get('stok'))).toEqual(['registry.get (did you mean stock?)']);
  });

  it('tells every fault of a configuration at once, with its path and a guess', () => {
    const wrong = {
      pipelins: {},
      shared: { limit: { rateLimit: { limit: 0, periodMs: '1s' } }, copy: { use: 'limit' } },
      pipelines: {
        both: { preset: 'httpClient', policies: [] },
        unknown: { preset: 'httpCleint', bulkead: {} },
        row: {
          policies: [
            { timeout: { timeoutMs: '5 minutes' } },
            { timout: '5s' },
            { retry: { maxAttempts: 0, backoff: { exponentiel: {} }, minMs: '90s' } },
            { use: 'limt' },
            'timeout',
            7,
          ],
        },
      },
    };
    expect(faultsOf(() => pipelineRegistry(wrong))).toEqual([
      'pipelins (did you mean pipelines?)',
      'shared.limit.rateLimit.limit',
      'shared.copy',
      'pipelines.both',
      'pipelines.unknown.bulkead (did you mean bulkhead?)',
      'pipelines.unknown.preset (did you mean httpClient?)',
      'pipelines.row.policies[0].timeout.timeoutMs',
      'pipelines.row.policies[1].timout (did you mean timeout?)',
      'pipelines.row.policies[2].retry.maxAttempts',
      'pipelines.row.policies[2].retry.backoff (did you mean exponential?)',
      'pipelines.row.policies[4].timeout',
      'pipelines.row.policies[5]',
      'pipelines.row.policies[3].use (did you mean limit?)',
    ]);
  });

  it('tells what a policy itself finds wrong at the path of the configuration', () => {
    expect(faultsOf(() => pipelineRegistry(row({ retry: { minMs: '2m' } })))).toEqual([
      'pipelines.stock.policies[0].retry.minMs',
    ]);
    const preset = { pipelines: { jobs: { preset: 'background', fallback: { value: 1 }, retry: { minMs: '2m' } } } };
    expect(faultsOf(() => pipelineRegistry(preset))).toEqual(['pipelines.jobs.retry.minMs', 'pipelines.jobs.fallback']);
  });

  it('shares a policy between pipelines by its name', async () => {
    const registry = pipelineRegistry({
      shared: { warehouse: breaker },
      pipelines: {
        stock: { policies: [{ use: 'warehouse' }] },
        prices: { preset: 'integrated', circuitBreaker: { use: 'warehouse' } },
      },
    });
    await registry.get('stock').tryExecute(fails);
    const refused = await registry.get('prices').tryExecute(async () => 1);
    expect(!refused.ok && isBreakwaterError(refused.error, 'CIRCUIT_OPEN')).toBe(true);
  });

  it('makes a limit that adapts, and throttling, of what the configuration says', () => {
    const registry = pipelineRegistry(
      row(
        { adaptiveConcurrency: { algorithm: { aimd: { backoffRatio: 0.5 } }, initialLimit: 7 } },
        { clientThrottling: 3 },
      ),
    );
    expect(stateOf(registry, 'stock', 'adaptive-concurrency')).toMatchObject({ limit: 7, inflight: 0, queued: 0 });
    expect(stateOf(registry, 'stock', 'client-throttling')).toEqual({ requests: 0, accepts: 0, rejectionRatio: 0 });
    const [limit, throttling] = registry.list()[0]!.policies;
    expect(limit!.options).toMatchObject({ maxLimit: 200, initialLimit: 7 });
    expect(throttling!.options).toMatchObject({ k: 3, windowMs: 120_000 });
  });

  it('makes a policy for each key, and keeps them all through an update that says the same', async () => {
    const clock = new VirtualClock();
    const keyed = { policy: breaker, maxKeys: 100 };
    const registry = pipelineRegistry(row({ keyed }), { clock });
    const stock = registry.get('stock');
    await stock.tryExecute(fails, { key: 'down' });
    const answers = async (): Promise<readonly boolean[]> => [
      (await stock.tryExecute(async () => 1, { key: 'down' })).ok,
      (await stock.tryExecute(async () => 1, { key: 'up' })).ok,
    ];
    expect(await answers()).toEqual([false, true]);
    expect(stateOf(registry, 'stock', 'keyed')).toEqual({ size: 2 });
    expect(registry.update(row({ keyed: { maxKeys: 100, policy: breaker } })).unchanged).toEqual(['stock']);
    expect(await answers()).toEqual([false, true]);
  });

  it('shares a budget with the retries of all keys', async () => {
    const clock = new VirtualClock();
    const configuration = {
      budgets: { scarce: { tokenBudget: { maxTokens: 1 } } },
      ...row({
        keyed: { policy: { retry: { maxAttempts: 5, backoff: { constant: { delayMs: 1 } }, budget: 'scarce' } } },
      }),
    };
    const stock = pipelineRegistry(configuration, { clock }).get('stock');
    let calls = 0;
    for (const key of ['a', 'b']) {
      await clock.settle(stock.tryExecute(async () => (calls++, fails()), { key }));
    }
    expect(calls).toBe(2);
  });

  it('tells what is wrong with the policy of a key before there is one', () => {
    const faulty = (policy: unknown): readonly string[] => faultsOf(() => pipelineRegistry(row({ keyed: { policy } })));
    const at = 'pipelines.stock.policies[0].keyed';
    expect(faulty({ retry: { minMs: '2m' } })).toEqual([`${at}.policy.retry.minMs`]);
    expect(faulty({ adaptiveConcurrency: { minLimit: 9, maxLimit: 3 } })).toEqual([
      `${at}.policy.adaptiveConcurrency.maxLimit`,
    ]);
    expect(faulty({ retry: { budget: 'b' } })).toEqual([`${at}.policy.retry.budget`]);
    expect(faulty({ brekaer: {} })).toEqual([`${at}.policy`]);
    expect(faulty(undefined)).toEqual([`${at}.policy`]);
  });

  it('uses policies that only code can make, by the name that code gives them', async () => {
    const own = circuitBreaker({ name: 'own' });
    const registry = pipelineRegistry(row({ use: 'ours' }), { policies: { ours: own } });
    own.isolate('maintenance');
    expect((await registry.get('stock').tryExecute(async () => 1)).ok).toBe(false);
  });
});

describe('an update', () => {
  it('keeps the state of what did not change: an open breaker stays open', async () => {
    const clock = new VirtualClock();
    const registry = pipelineRegistry(row({ retry: 1 }, breaker), { clock });
    await registry.get('stock').tryExecute(fails);
    const update = registry.update(row({ retry: { maxAttempts: 5 } }, breaker));
    expect([update.changed, stateOf(registry, 'stock', 'circuit-breaker')?.['state']]).toEqual([['stock'], 'open']);
  });

  it('keeps an open breaker open, for what is left, also when its own options change', async () => {
    const clock = new VirtualClock();
    const registry = pipelineRegistry(row(breaker), { clock });
    await registry.get('stock').tryExecute(fails);
    await clock.advance(20_000);
    registry.update(row({ circuitBreaker: { ...breaker.circuitBreaker, probes: 2 } }));
    expect(stateOf(registry, 'stock', 'circuit-breaker')).toMatchObject({ state: 'open', retryAfterMs: 40_000 });
  });

  it('takes what means the same for unchanged: 5s and 5000, any order of keys, a default left out as null', () => {
    const registry = pipelineRegistry(row({ timeout: { timeoutMs: '5s', mode: 'cooperative' } }, { retry: null }));
    const update = registry.update(row({ timeout: { mode: 'cooperative', timeoutMs: 5_000 } }, 'retry'));
    expect(update).toEqual({ added: [], changed: [], removed: [], unchanged: ['stock'] });
  });

  it('lets calls in flight end under the old options, and begins later ones under the new', async () => {
    const clock = new VirtualClock();
    const registry = pipelineRegistry(row({ timeout: '10s' }), { clock });
    const stock = registry.get('stock');
    const slowly = (): Promise<string> => new Promise((resolve) => void clock.setTimer(5_000, () => resolve('slow')));
    const before = stock.tryExecute(slowly);
    registry.update(row({ timeout: '1s' }));
    const after = stock.tryExecute(slowly);
    await clock.advance(5_000);
    expect([(await before).ok, (await after).ok, registry.get('stock') === stock]).toEqual([true, false, true]);
  });

  it('keeps those who listen to a pipeline listening, to its new policies too', async () => {
    const registry = pipelineRegistry(row({ retry: 1 }));
    const told: string[] = [];
    registry.get('stock').on('*', ({ type }) => told.push(type));
    registry.update(row({ retry: 1 }, breaker));
    await registry.get('stock').tryExecute(fails);
    expect(told).toContain('circuit-opened');
    expect(told).toContain('call-ended');
  });

  it('takes no new calls in a pipeline that is gone, lets those that run end, and waits for them in close', async () => {
    const clock = new VirtualClock();
    const registry = pipelineRegistry(row('retry'), { clock });
    const gone = registry.get('stock');
    const running = gone.execute(() => new Promise((resolve) => void clock.setTimer(100, () => resolve('done'))));
    const update = registry.update({ pipelines: {} });
    expect([update.removed, registry.names]).toEqual([['stock'], []]);
    await expect(gone.execute(async () => 1)).rejects.toMatchObject({ code: 'PIPELINE_CLOSED' });
    let closed = false;
    const closing = registry.close().then((left) => ((closed = true), left));
    await clock.advance(99);
    expect(closed).toBe(false);
    await clock.advance(1);
    expect([await running, await closing]).toEqual(['done', 0]);
  });

  it('that is wrong changes nothing', async () => {
    const registry = pipelineRegistry(row(breaker));
    await registry.get('stock').tryExecute(fails);
    const before = registry.list();
    expect(
      faultsOf(() => registry.update({ pipelines: { other: { policies: [] }, stock: { preset: 'nix' } } })),
    ).toEqual(['pipelines.stock.preset']);
    expect([registry.names, registry.list()[0]?.policies[0]?.state['state']]).toEqual([['stock'], 'open']);
    expect(registry.list().length).toBe(before.length);
  });

  it('under a load of 1,000 calls in flight loses none', async () => {
    const clock = new VirtualClock();
    const of = (maxConcurrent: number): object =>
      row({ timeout: '1m' }, { retry: 2 }, breaker, { bulkhead: { maxConcurrent, maxQueue: 5_000 } });
    const registry = pipelineRegistry(of(300), { clock });
    const stock = registry.get('stock');
    let begun = 0;
    const load = (): Promise<number> => {
      begun += 1;
      const mine = begun;
      return new Promise((resolve) => void clock.setTimer(50, () => resolve(mine)));
    };
    const first = Array.from({ length: 1_000 }, () => stock.execute(load));
    await clock.advance(75);
    expect(stock.busy).toBeGreaterThan(500);
    registry.update(of(100));
    const second = Array.from({ length: 1_000 }, () => stock.execute(load));
    await clock.advance(20_000);
    const answers = await Promise.all([...first, ...second]);
    expect([new Set(answers).size, begun, stock.busy]).toEqual([2_000, 2_000, 0]);
  });
});
