import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { isBreakwaterError } from '../errors/breakwater-error.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { pipelineRegistry, type PipelineRegistry } from './registry.ts';

/** Whether this platform tells how much memory is used, as browsers do not. */
const showsMemory = 'process' in globalThis && 'getBuiltinModule' in (globalThis.process as object);

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

  it.runIf(showsMemory)('makes load shedding of sources by name, with loads that are numbers or never', () => {
    const shedding = {
      sources: ['eventLoopDelay', { memoryUse: { maxRatio: 0.8 } }],
      refuseAbove: { low: 0.6, high: 'never' },
      rampRatio: 0,
    };
    const registry = pipelineRegistry(row({ shedding }, 'shedding'));
    expect(stateOf(registry, 'stock', 'shedding')).toMatchObject({
      load: expect.any(Number),
      statistics: { refused: 0 },
    });
    const [own, usual] = registry.list()[0]!.policies;
    expect(own!.options).toMatchObject({
      sources: [{ name: 'event-loop-delay' }, { name: 'memory-use' }],
      refuseAbove: { batch: 0.5, low: 0.6, normal: 1, high: Infinity, critical: Infinity },
      rampRatio: 0,
    });
    expect(usual!.options).toMatchObject({ sources: [{ name: 'event-loop-delay' }], rampRatio: 0.5 });
  });

  it('tells each fault of load shedding at its place, also what only the policy itself finds', () => {
    const shedding = {
      sources: [{ memoryUse: { maxRatio: 2 } }, 'eventloopdelay'],
      refuseAbove: { low: 0, hihg: 1 },
    };
    expect(faultsOf(() => pipelineRegistry(row({ shedding })))).toEqual([
      'pipelines.stock.policies[0].shedding.sources[0].memoryUse.maxRatio',
      'pipelines.stock.policies[0].shedding.sources[1] (did you mean eventLoopDelay?)',
      'pipelines.stock.policies[0].shedding.refuseAbove.low',
      'pipelines.stock.policies[0].shedding.refuseAbove.hihg (did you mean high?)',
    ]);
    expect(faultsOf(() => pipelineRegistry(row({ shedding: { sources: [] } })))).toEqual([
      'pipelines.stock.policies[0].shedding.sources',
    ]);
    expect(faultsOf(() => pipelineRegistry(row({ shedding: { refuseAbove: { batch: 0.9 } } })))).toEqual([
      'pipelines.stock.policies[0].shedding.refuseAbove.low',
    ]);
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
