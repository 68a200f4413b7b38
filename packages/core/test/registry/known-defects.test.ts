/** What goes wrong elsewhere where pipelines are made from files; here as it should be. */
import { ConfigurationError, isBreakwaterError } from 'breakwater';
import { HttpStatusError, resilientFetch } from 'breakwater/http';
import { pipelineRegistry } from 'breakwater/registry';
import { VirtualClock } from 'breakwater/testing';
import { beforeEach, describe, expect, it } from 'vitest';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const row = (...policies: readonly unknown[]): object => ({ pipelines: { stock: { policies } } });
const presets = ['httpClient', 'llmApi', 'database', 'critical', 'background', 'costOptimised', 'integrated'];
const down = (): Promise<never> => Promise.reject(new Error('down'));
const faultsOf = (configuration: unknown): readonly string[] => {
  try {
    pipelineRegistry(configuration);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ path }) => path);
  }
  return [];
};

describe('a configuration', () => {
  it.each(presets)('means three calls by three attempts, in the preset %s as in a row of policies', async (preset) => {
    const configuration = {
      pipelines: {
        placed: { preset, retry: { maxAttempts: 3, retryIf: 'retryable' } },
        row: { policies: [{ retry: 3 }] },
      },
    };
    const registry = pipelineRegistry(configuration, { clock });
    for (const name of registry.names) {
      let calls = 0;
      await clock.settle(registry.get(name).tryExecute(() => (calls++, down())));
      expect([name, calls]).toEqual([name, 3]);
    }
  });

  it('takes a backoff that is a bare number or text for a fault, and not for a constant delay', () => {
    const path = 'pipelines.stock.policies[0].retry.backoff';
    expect(faultsOf(row({ retry: { backoff: '5s' } }))).toEqual([path]);
    expect(faultsOf(row({ retry: { backoff: 500 } }))).toEqual([path]);
    expect(faultsOf(row({ retry: { backoff: 'constant' } }))).toEqual([`${path}.constant`]);
  });

  it('has effect on its own registry only, whatever another one says under the same name', async () => {
    const patient = pipelineRegistry(row({ retry: { maxAttempts: 4, backoff: { constant: { delayMs: 1 } } } }), {
      clock,
    });
    const hasty = pipelineRegistry(row({ retry: 1 }), { clock });
    const calls = { patient: 0, hasty: 0 };
    await clock.settle(hasty.get('stock').tryExecute(() => (calls.hasty++, down())));
    await clock.settle(patient.get('stock').tryExecute(() => (calls.patient++, down())));
    expect(calls).toEqual({ patient: 4, hasty: 1 });
  });

  it('changes a rate to what it says, neither clamped nor as it was', async () => {
    const limited = (limit: number): object => row({ rateLimit: { limit, periodMs: '1m', maxWaitMs: 0 } });
    const registry = pipelineRegistry(limited(5), { clock });
    const admitted = async (): Promise<number> => {
      const outcomes = await Promise.all(
        Array.from({ length: 500 }, () => registry.get('stock').tryExecute(() => Promise.resolve('in time'))),
      );
      return outcomes.filter(({ ok }) => ok).length;
    };
    expect(await admitted()).toBe(5);
    registry.update(limited(400));
    expect(await admitted()).toBe(400);
    registry.update(limited(3));
    expect(await admitted()).toBe(3);
  });

  it('limits in half a second and in thirty days alike', async () => {
    for (const [periodMs, ms] of [
      ['500ms', 500],
      ['30d', 30 * 86_400_000],
    ] as const) {
      const registry = pipelineRegistry(row({ rateLimit: { limit: 2, periodMs, maxWaitMs: 0 } }), { clock });
      const ask = async (): Promise<boolean> => (await registry.get('stock').tryExecute(() => Promise.resolve(1))).ok;
      expect([await ask(), await ask(), await ask()]).toEqual([true, true, false]);
      await clock.advance(ms / 2);
      expect([await ask(), await ask()]).toEqual([true, false]);
    }
  });

  it('that is wrong is refused with all its faults, and not taken as far as it goes', () => {
    const registry = pipelineRegistry(row({ timeout: '5s' }), { clock });
    const before = registry.list();
    expect(() => registry.update(row({ timeout: '1s' }, { retries: 3 }, { bulkhead: -1 }))).toThrow(ConfigurationError);
    expect(registry.list()).toEqual(before);
  });
});

describe('fetch under a pipeline of a file', () => {
  const file = row(
    { retry: { maxAttempts: 2, backoff: { constant: { delayMs: 10 } } } },
    { circuitBreaker: { trip: { consecutive: { failures: 4 } } } },
  );

  it('opens the breaker by what fetch throws and by what a server answers, and not by what a caller got wrong', async () => {
    const broken = (): Promise<Response> =>
      Promise.reject(
        new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }),
      );
    const answers = {
      'a broken connection': broken,
      'status 503': () => Promise.resolve(new Response('busy', { status: 503 })),
      'status 404': () => Promise.resolve(new Response('nothing', { status: 404 })),
    };
    const refused: Record<string, boolean> = {};
    for (const [name, fetch] of Object.entries(answers)) {
      const get = resilientFetch(pipelineRegistry(file, { clock }).get('stock'), { fetch });
      const ask = (): Promise<unknown> => get('http://host.test/items').then(readText, (error: unknown) => error);
      for (let call = 0; call < 2; call++) await clock.settle(ask());
      refused[name] = isBreakwaterError(await clock.settle(ask()), 'CIRCUIT_OPEN');
    }
    expect(refused).toEqual({ 'a broken connection': true, 'status 503': true, 'status 404': false });
  });

  it('waits as long as Retry-After says', async () => {
    const askedAt: number[] = [];
    const fetch = (): Promise<Response> => {
      askedAt.push(clock.now());
      return Promise.resolve(new Response('busy', { status: 503, headers: { 'retry-after': '7' } }));
    };
    const get = resilientFetch(pipelineRegistry(file, { clock }).get('stock'), { fetch });
    const error = await clock.settle(get('http://host.test/items?token=secret').catch((failure: unknown) => failure));
    expect(askedAt).toEqual([0, 7_000]);
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(JSON.stringify(error)).not.toContain('secret');
  });
});

const readText = (response: Response): Promise<string> => response.text();
