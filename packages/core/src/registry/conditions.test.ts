import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { TimeoutError } from '../timeout/errors.ts';
import { pipelineRegistry } from './registry.ts';

const row = (policy: unknown): object => ({ pipelines: { stock: { policies: [policy] } } });

function faultsOf(configuration: object): readonly string[] {
  try {
    pipelineRegistry(configuration);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ path, expected }) => `${path}: ${expected}`);
    throw error;
  }
  return [];
}

/** How many calls of the function a call made that failed with each of these errors. */
async function attemptsAfter(retryIf: unknown, errors: readonly unknown[]): Promise<readonly number[]> {
  const clock = new VirtualClock();
  const registry = pipelineRegistry(row({ retry: { maxAttempts: 2, retryIf } }), { clock });
  const attempts: number[] = [];
  for (const error of errors) {
    let calls = 0;
    await clock.settle(registry.get('stock').tryExecute(() => (calls++, Promise.reject(error))));
    attempts.push(calls);
  }
  return attempts;
}

const withStatus = (status: number, more: object = {}): Error =>
  Object.assign(new Error('answered'), { status, ...more });
const withCode = (code: string): Error => Object.assign(new Error('failed'), { code });

describe('a condition of a configuration', () => {
  it('means errors by the statuses that they stand for', async () => {
    expect(await attemptsAfter({ statuses: [418, 503] }, [withStatus(418), withStatus(503), withStatus(500)])).toEqual([
      2, 2, 1,
    ]);
  });

  it('means errors by their codes, or by those of their causes', async () => {
    const errors = [
      withCode('ECONNRESET'),
      new TypeError('fetch failed', { cause: withCode('ECONNRESET') }),
      withCode('EPIPE'),
      'no error',
    ];
    expect(await attemptsAfter({ codes: ['ECONNRESET'] }, errors)).toEqual([2, 2, 1, 1]);
    expect(await attemptsAfter({ codes: ['TIMEOUT'] }, [new TimeoutError('slow', 100)])).toEqual([2]);
  });

  it('ends a chain of causes that goes in a circle', async () => {
    const round = withCode('A');
    round.cause = round;
    expect(await attemptsAfter({ codes: ['B'] }, [round])).toEqual([1]);
  });

  it('means errors by their kind of trouble', async () => {
    const errors = [new TimeoutError('slow', 100), withStatus(429), withStatus(500)];
    expect(await attemptsAfter({ categories: ['timeout', 'rate_limit'] }, errors)).toEqual([2, 2, 1]);
  });

  it('never means an error of which no other try may be made, where it is about that', async () => {
    expect(await attemptsAfter({ statuses: [503] }, [withStatus(503, { retryable: false })])).toEqual([1]);
  });

  it('says what a breaker counts, a fallback replaces, a limit takes for a drop, and throttling for a refusal', async () => {
    const clock = new VirtualClock();
    const only = { statuses: [507] };
    const registry = pipelineRegistry(
      {
        pipelines: {
          breaker: { policies: [{ circuitBreaker: { trip: { consecutive: { failures: 1 } }, failureIf: only } }] },
          fallback: { policies: [{ fallback: { value: 'instead', handleIf: only } }] },
          hedge: { policies: [{ hedge: { delayMs: 'on-failure', hedgeIf: only } }] },
          throttling: { policies: [{ clientThrottling: { refusedIf: only } }] },
          limit: {
            policies: [
              {
                adaptiveConcurrency: {
                  algorithm: { aimd: { backoffRatio: 0.5 } },
                  dropIf: only,
                  minSamples: 1,
                  windowMs: 0,
                },
              },
            ],
          },
        },
      },
      { clock },
    );
    const stateOf = (name: string): Readonly<Record<string, unknown>> =>
      registry.list().find((pipeline) => pipeline.name === name)!.policies[0]!.state;
    const states: unknown[] = [];
    for (const status of [503, 507]) {
      let hedged = 0;
      const fails = (): Promise<never> => Promise.reject(withStatus(status));
      const instead = await registry.get('fallback').tryExecute(fails);
      await registry.get('hedge').tryExecute(() => (hedged++, fails()));
      for (const name of ['breaker', 'throttling', 'limit']) await registry.get(name).tryExecute(fails);
      states.push([instead.ok, hedged, stateOf('breaker')['state'], stateOf('throttling')['accepts']]);
      states.push(stateOf('limit')['limit']);
    }
    expect(states).toEqual([[false, 1, 'closed', 1], 20, [true, 2, 'open', 1], 10]);
  });

  it('that says nothing, or what no error carries, is a fault where it stands', () => {
    const at = 'pipelines.stock.policies[0].retry.retryIf';
    const faulty = (retryIf: unknown): readonly string[] => faultsOf(row({ retry: { retryIf } }));
    expect(faulty({})).toEqual([`${at}: statuses, codes or categories`]);
    expect(faulty({ statuses: [] })).toEqual([`${at}.statuses: a list that is not empty`]);
    expect(faulty({ statuses: 503 })).toEqual([`${at}.statuses: a list that is not empty`]);
    expect(faulty({ statuses: [503, 60] })).toEqual([`${at}.statuses[1]: an HTTP status`]);
    expect(faulty({ codes: [''] })).toEqual([`${at}.codes[0]: a string that is not empty`]);
    expect(faulty({ categories: ['timeouts'] })[0]).toMatch(/categories\[0\]: one of validation, /);
    expect(faulty('upstream')).toEqual([`${at}: one of retryable, transient, transient-database`]);
  });
});
