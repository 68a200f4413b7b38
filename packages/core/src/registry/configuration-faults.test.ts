import { describe, expect, it } from 'vitest';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { pipelineRegistry } from './registry.ts';

/** Path and expectation of each fault. */
function faultsOf(configuration: unknown, policies = {}): readonly string[] {
  try {
    pipelineRegistry(configuration, { policies });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ path, expected }) => `${path}: ${expected}`);
    throw error;
  }
  return [];
}

const pathsOf = (configuration: unknown, policies = {}): readonly string[] =>
  faultsOf(configuration, policies).map((fault) => fault.slice(0, fault.indexOf(':')));
const inRow = (...policies: readonly unknown[]): object => ({ pipelines: { stock: { policies } } });
const firstOf = (policy: unknown): string | undefined => faultsOf(inRow(policy))[0];

describe('what a registry says of a wrong configuration', () => {
  it('tells which section is no object, and goes on with the others', () => {
    expect(faultsOf({ budgets: 3, shared: [], pipelines: { stock: 'fast' } })).toEqual([
      'budgets: an object',
      'shared: an object',
      'pipelines.stock: an object with preset or policies',
    ]);
  });

  it('takes a section with nothing in it, as YAML writes one, for an empty one', () => {
    expect(faultsOf({ budgets: null, shared: undefined, pipelines: null })).toEqual([]);
  });

  it('wants policies as a list, and nothing beside it', () => {
    expect(faultsOf({ pipelines: { stock: { policies: 'retry' } } })).toEqual([
      'pipelines.stock.policies: a list of policies',
    ]);
    expect(pathsOf({ pipelines: { stock: { policies: [], timeout: '3s' } } })).toEqual(['pipelines.stock.timeout']);
  });

  it('wants one policy in each place of a row', () => {
    for (const policy of [3, null, {}, { retry: 2, timeout: '1s' }, ['retry']]) {
      expect(firstOf(policy)).toMatch(/^pipelines\.stock\.policies\[0\]: a policy: an object with one key of /);
    }
    expect(pathsOf(inRow({ retri: 3 }))).toEqual(['pipelines.stock.policies[0].retri']);
  });

  it('wants the name of a preset that there is', () => {
    expect(faultsOf({ pipelines: { stock: { preset: 3 } } })[0]).toMatch(
      /^pipelines\.stock\.preset: one of httpClient, /,
    );
    expect(pathsOf({ pipelines: { stock: { preset: 'httpClint' } } })).toEqual(['pipelines.stock.preset']);
    expect(pathsOf({ pipelines: { stock: { preset: 'httpClient', retries: 3 } } })).toEqual([
      'pipelines.stock.retries',
    ]);
  });

  it('leaves a place of a preset as it is where YAML gives it nothing', () => {
    expect(faultsOf({ pipelines: { stock: { preset: 'httpClient', retry: null, totalTimeout: undefined } } })).toEqual(
      [],
    );
  });

  it('wants use to name a policy, alone', () => {
    expect(faultsOf(inRow({ use: 3 }))).toEqual(['pipelines.stock.policies[0].use: the name of a shared policy']);
    expect(pathsOf({ shared: { b: 'circuitBreaker' }, ...inRow({ use: 'b', retry: 3 }) })).toEqual([
      'pipelines.stock.policies[0].retry',
    ]);
    expect(pathsOf({ pipelines: { stock: { preset: 'httpClient', circuitBreaker: { use: 'nobody' } } } })).toEqual([
      'pipelines.stock.circuitBreaker.use',
    ]);
  });

  it('tells a fault of a shared policy once, not again wherever the policy is used', () => {
    const shared = { wrong: { retry: { maxAttempts: 0 } } };
    expect(pathsOf({ shared, ...inRow({ use: 'wrong' }) })).toEqual(['shared.wrong.retry.maxAttempts']);
  });

  it('refuses a shared policy whose name a policy given in code has', () => {
    expect(faultsOf({ shared: { b: 'circuitBreaker' } }, { b: circuitBreaker() })).toEqual([
      'shared.b: a name that no policy given in code has',
    ]);
  });

  it('names the budgets that there are when one is asked for that is not', () => {
    const budgets = { calls: 'retryBudget' };
    expect(faultsOf({ budgets, ...inRow({ retry: { budget: 'cals' } }) })).toHaveLength(1);
    expect(pathsOf({ budgets, ...inRow({ retry: { budget: 'cals' } }) })).toEqual([
      'pipelines.stock.policies[0].retry.budget',
    ]);
    expect(pathsOf({ budgets, pipelines: { stock: { preset: 'httpClient', retry: { budget: 'cals' } } } })).toEqual([
      'pipelines.stock.retry.budget',
    ]);
  });

  it('tells a wrong budget where it stands, and takes it for known where it is used', () => {
    expect(
      pathsOf({ budgets: { calls: { retryBudget: { maxRatio: 7 } } }, ...inRow({ retry: { budget: 'calls' } }) }),
    ).toEqual(['budgets.calls.retryBudget.maxRatio']);
  });

  it('says of each kind of value what it takes', () => {
    const expected: readonly (readonly [unknown, string])[] = [
      [{ retry: { maxAttempts: 'three' } }, 'retry.maxAttempts: an integer of at least 1'],
      [{ circuitBreaker: { failureRatio: 2 } }, 'circuitBreaker.failureRatio: a ratio above 0 and at most 1'],
      [
        { circuitBreaker: { breakJitterRatio: 2 } },
        'circuitBreaker.breakJitterRatio: a number of at least 0 and at most 1',
      ],
      [{ retry: { backoff: { exponential: { base: 0 } } } }, 'retry.backoff.exponential.base: a number of at least 1'],
      [{ rateLimit: { limit: 1, periodMs: '1s', strict: 'yes' } }, 'rateLimit.strict: true or false'],
      [{ retry: { name: '' } }, 'retry.name: a string that is not empty'],
      [{ retry: { retryIf: 3 } }, 'retry.retryIf: one of '],
      [{ retry: { backoff: { linear: null, constant: null } } }, 'retry.backoff: one of constant, linear, '],
      [{ retry: { backoff: 5 } }, 'retry.backoff: one of constant, linear, '],
      [{ retry: { backoff: 'constant' } }, 'retry.backoff.constant: an object'],
      [{ retry: { backoff: { constant: {} } } }, 'retry.backoff.constant.delayMs: a value'],
      [{ retry: { jitter: 'wild' } }, 'retry.jitter: '],
    ];
    for (const [policy, begins] of expected) {
      expect(firstOf(policy)?.slice('pipelines.stock.policies[0].'.length)).toMatch(
        new RegExp(`^${begins.replaceAll('.', '\\.')}`),
      );
    }
  });

  it('passes on what a policy itself finds wrong, under the path of the configuration', () => {
    const strict = { rateLimit: { limit: 5, periodMs: '1s', burst: 5, strict: true } };
    expect(pathsOf(inRow(strict))).toEqual(['pipelines.stock.policies[0].rateLimit.burst']);
    expect(pathsOf({ pipelines: { stock: { preset: 'httpClient', bulkhead: { maxConcurrent: 0 } } } })).toEqual([
      'pipelines.stock.bulkhead.maxConcurrent',
    ]);
  });

  it('tells the faults of all places of a preset together with those of the other pipelines', () => {
    const pipelines = {
      stock: {
        preset: 'httpClient',
        circuitBreaker: { use: 'places' },
        retry: { minMs: '1h', backoff: 'linear' },
        bulkhead: { maxConcurrent: 0 },
      },
      prices: { preset: 'background', fallback: { value: 0 }, retry: { minMs: '1h' } },
      parcels: { preset: 'http' },
    };
    const { bulkhead: _, ...stock } = pipelines.stock;
    expect(pathsOf({ shared: { places: 'bulkhead' }, pipelines })).toEqual([
      'pipelines.stock.bulkhead.maxConcurrent',
      'pipelines.parcels.preset',
      'pipelines.stock.circuitBreaker',
      'pipelines.stock.retry.minMs',
      'pipelines.prices.retry.minMs',
      'pipelines.prices.fallback',
    ]);
    expect(pathsOf({ shared: { places: 'bulkhead' }, pipelines: { stock } })).toEqual([
      'pipelines.stock.circuitBreaker',
      'pipelines.stock.retry.minMs',
    ]);
  });

  it('tells where a fault stands in an option that is chosen by its kind, in a row, a preset and for each key', () => {
    const trip = { count: { size: 10, failures: 20 } };
    const configuration = {
      pipelines: {
        row: { policies: [{ circuitBreaker: { trip } }, { keyed: { policy: { circuitBreaker: { trip } } } }] },
        placed: { preset: 'httpClient', circuitBreaker: { trip } },
      },
    };
    expect(pathsOf(configuration)).toEqual([
      'pipelines.row.policies[0].circuitBreaker.trip.count.failures',
      'pipelines.row.policies[1].keyed.policy.circuitBreaker.trip.count.failures',
      'pipelines.placed.circuitBreaker.trip.count.failures',
    ]);
  });

  it('tells of a value that may be two things the faults of the one that it looks like, and otherwise both', () => {
    expect(firstOf({ circuitBreaker: { breakMs: { exponential: { maxMs: 'x' } } } })).toMatch(
      /circuitBreaker\.breakMs\.exponential\.maxMs: a duration /,
    );
    expect(firstOf({ hedge: { delayMs: 'soon' } })).toMatch(/hedge\.delayMs: a duration .*, or one of on-failure$/);
    expect(() => pipelineRegistry(inRow({ circuitBreaker: { breakMs: 'exponentil' } }))).toThrow(
      /did you mean exponential\?/,
    );
  });

  it('says that there is nothing to be named where there is not', () => {
    expect(firstOf({ use: 'breaker' })).toBe('pipelines.stock.policies[0].use: no name: there is nothing to be named');
  });

  it('wants of a place that presets leave empty all that its policy needs', () => {
    const stock = { preset: 'httpClient', fallback: { handleIf: 'upstream' }, rateLimit: { limit: 5 } };
    expect(pathsOf({ pipelines: { stock } })).toEqual([
      'pipelines.stock.fallback.value',
      'pipelines.stock.rateLimit.periodMs',
    ]);
    const { pipelines } = { pipelines: { stock: { preset: 'httpClient', fallback: false, rateLimit: false } } };
    expect(pathsOf({ pipelines })).toEqual([]);
  });

  it('takes no substitute that JSON could not hold, such as one that holds itself', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    for (const value of [cyclic, Number.NaN, Infinity, 10n, new Date(0), { inside: [undefined] }]) {
      expect(firstOf({ fallback: { value } })).toBe(
        'pipelines.stock.policies[0].fallback.value: a value that JSON can hold',
      );
    }
  });

  it('passes an error that is no fault of the configuration through', () => {
    const thrown = new Error('disk gone');
    const configuration = {
      get pipelines(): never {
        throw thrown;
      },
    };
    expect(() => pipelineRegistry(configuration as never)).toThrow(thrown);
  });
});

describe('what a configuration may say', () => {
  it('has null for a substitute, which stands in for a failed call as any other value', async () => {
    const registry = pipelineRegistry({
      pipelines: {
        row: { policies: [{ fallback: { value: null } }] },
        placed: { preset: 'httpClient', fallback: { value: null }, retry: false },
      },
    });
    const down = (): Promise<never> => Promise.reject(new Error('down'));
    expect(await registry.get('row').execute(down)).toBeNull();
    expect(await registry.get('placed').execute(down)).toBeNull();
  });

  it('has every backoff, jitter, condition and break that the policies have', () => {
    const backoffs = [
      { constant: { delayMs: '1s' } },
      ...['linear', 'exponential', 'fibonacci', 'decorrelated', 'decorrelatedV2'],
    ];
    const jitters = ['none', 'full', 'equal', { ratio: { most: 0.5 } }];
    const retries = [
      ...backoffs.map((backoff) => ({ retry: { name: `b${JSON.stringify(backoff)}`, backoff } })),
      ...jitters.map((jitter) => ({ retry: { name: `j${JSON.stringify(jitter)}`, jitter } })),
      ...['retryable', 'transient', 'transient-database'].map((retryIf) => ({ retry: { name: retryIf, retryIf } })),
    ];
    const breakers = [
      ...['exponential', { linear: { initialMs: '1s', maxMs: '9s' } }, '20s'].map((breakMs) => ({
        circuitBreaker: { breakMs },
      })),
      ...['any', 'upstream', 'database'].map((failureIf) => ({ circuitBreaker: { failureIf } })),
    ];
    expect(faultsOf(inRow(...retries, ...breakers))).toEqual([]);
  });
});
