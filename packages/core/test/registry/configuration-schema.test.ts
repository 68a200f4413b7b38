import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ConfigurationError } from 'breakwater';
import { configurationSchema, pipelineRegistry } from 'breakwater/registry';
import { describe, expect, it } from 'vitest';

const shipped: unknown = JSON.parse(readFileSync(new URL('../../configuration.schema.json', import.meta.url), 'utf8'));
const validate = new Ajv2020({ allowUnionTypes: true }).compile(configurationSchema());

function registryTakes(configuration: unknown): boolean {
  try {
    pipelineRegistry(configuration);
    return true;
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
}

const row = (policy: unknown): object => ({ pipelines: { stock: { policies: [policy] } } });

it('the schema that is shipped is the one of the registry: npm run schema:write', () => {
  expect(shipped).toEqual(configurationSchema());
});

describe('schema and registry agree that', () => {
  it.each<[string, unknown]>([
    ['nothing', {}],
    ['no pipelines', { pipelines: null }],
    ['a preset', { pipelines: { stock: { preset: 'llmApi' } } }],
    ['a preset with a place left out', { pipelines: { stock: { preset: 'database', bulkhead: false, retry: null } } }],
    [
      'a preset with changes',
      { pipelines: { stock: { preset: 'httpClient', retry: 5, bulkhead: { maxQueue: 3 }, totalTimeout: '1m' } } },
    ],
    [
      'a preset with a limit',
      { pipelines: { stock: { preset: 'httpClient', rateLimit: { limit: 5, periodMs: '1s' } } } },
    ],
    [
      'a row',
      { pipelines: { stock: { policies: [{ timeout: '5s' }, 'retry', { circuitBreaker: null }, { bulkhead: 3 }] } } },
    ],
    ['a shared policy', { shared: { b: { circuitBreaker: {} } }, pipelines: { stock: { policies: [{ use: 'b' }] } } }],
    [
      'a budget',
      {
        budgets: { b: 'retryBudget' },
        pipelines: { stock: { policies: [{ retry: { budget: 'b' } }, { hedge: { budget: 'b' } }] } },
      },
    ],
    ['a backoff by name', row({ retry: { backoff: 'fibonacci', jitter: { ratio: { most: 0.5 } } } })],
    [
      'a backoff with options',
      row({ retry: { backoff: { exponential: { initialMs: 50, maxMs: '5s', base: 3 } }, jitter: 'none' } }),
    ],
    [
      'a trip rule',
      row({ circuitBreaker: { trip: { count: { size: 20, failureRatio: 0.5 } }, breakMs: 'exponential' } }),
    ],
    ['a growing break', row({ circuitBreaker: { breakMs: { linear: { initialMs: '10s' } }, rampMs: '30s' } })],
    ['a hedge on failure', row({ hedge: 'on-failure' })],
    ['a fallback', row({ fallback: { value: { items: [] } } })],
    ['a limit that adapts', row({ adaptiveConcurrency: { algorithm: 'vegas', maxLimit: 50, maxQueue: 10 } })],
    [
      'an algorithm with options',
      row({ adaptiveConcurrency: { algorithm: { aimd: { backoffRatio: 0.8, latencyThresholdMs: '2s' } } } }),
    ],
    ['a limit that adapts by itself', row('adaptiveConcurrency')],
    ['throttling', row({ clientThrottling: { k: 1.5, windowMs: '1m', maxRejectionRatio: 0.9 } })],
    ['throttling by its factor alone', row({ clientThrottling: 3 })],
    ['load shedding', row({ shedding: { sources: ['memoryUse', { eventLoopDelay: { maxMs: '80ms' } }] } })],
    ['load shedding by itself', row('shedding')],
    ['load shedding that never refuses some', row({ shedding: { refuseAbove: { batch: 0.3, high: 'never' } } })],
    ['a breaker for each key', row({ keyed: { policy: 'circuitBreaker', maxKeys: 100, idleMs: '5m' } })],
    [
      'a retry for each key, with a budget',
      { budgets: { b: 'retryBudget' }, ...row({ keyed: { policy: { retry: { budget: 'b' } }, key: 'all' } }) },
    ],
  ])('%s is well', (_, configuration) => {
    expect([validate(configuration), validate.errors ?? []]).toEqual([true, []]);
    expect(registryTakes(configuration)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['an unknown section', { pipeline: {} }],
    ['a pipeline of nothing', { pipelines: { stock: {} } }],
    ['a preset and a row at once', { pipelines: { stock: { preset: 'httpClient', policies: [] } } }],
    ['an unknown preset', { pipelines: { stock: { preset: 'http' } } }],
    ['an unknown place', { pipelines: { stock: { preset: 'httpClient', breaker: {} } } }],
    ['an unknown policy', row({ throttle: {} })],
    ['two policies in one', row({ timeout: '5s', retry: 3 })],
    ['a timeout without a time', row('timeout')],
    ['a timeout of nothing', row({ timeout: '0s'.replace('0s', 'soon') })],
    ['an unknown option', row({ retry: { attempts: 3 } })],
    ['attempts below one', row({ retry: { maxAttempts: 0 } })],
    ['a ratio above one', row({ circuitBreaker: { failureRatio: 1.5 } })],
    ['an unknown word', row({ timeout: { timeoutMs: 5, mode: 'gentle' } })],
    ['a limit without a period', row({ rateLimit: { limit: 5 } })],
    ['a limit below one', row({ adaptiveConcurrency: { minLimit: 0 } })],
    ['no source of load', row({ shedding: { sources: [] } })],
    ['a source of load that only code has', row({ shedding: { sources: ['queueDepth'] } })],
    ['a load of 0 as too much', row({ shedding: { refuseAbove: { batch: 0 } } })],
    ['a priority that has another name', row({ shedding: { refuseAbove: { medium: 1 } } })],
    ['an unknown algorithm', row({ adaptiveConcurrency: { algorithm: 'vergas' } })],
    ['throttling of less than what is accepted', row({ clientThrottling: 0.5 })],
    ['a keyed policy of nothing', row('keyed')],
    ['a timeout without a time for each key', row({ keyed: { policy: 'timeout' } })],
    ['a backoff without the wait that it needs', row({ retry: { backoff: 'constant' } })],
    ['keys of keys', row({ keyed: { policy: { keyed: { policy: 'retry' } } } })],
    ['a shared policy for each key', row({ keyed: { policy: { use: 'b' } } })],
    ['a shared policy that is a use', { shared: { a: { use: 'b' } } }],
  ])('%s is not', (_, configuration) => {
    expect(validate(configuration)).toBe(false);
    expect(registryTakes(configuration)).toBe(false);
  });
});
