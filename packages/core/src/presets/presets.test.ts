import { describe, expect, it } from 'vitest';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { keyed } from '../keyed/keyed.ts';
import { rateLimiter } from '../rate-limit/local-limiter.ts';
import { rateLimit } from '../rate-limit/policy.ts';
import { timeout } from '../timeout/timeout.ts';
import { presetDefinitions, type PresetName } from './definitions.ts';
import { presetPlaces } from './preset-policies.ts';
import { background, costOptimised, critical, database, httpClient, integrated, llmApi } from './presets.ts';
import { isDatabaseFailure, isTransient, isTransientDatabaseError, isUpstreamFailure } from './transient.ts';

const presets = { httpClient, llmApi, database, critical, background, costOptimised, integrated };
const withStatus = (status: number): Error => Object.assign(new Error(`status ${status}`), { status });
const coded = (code: string): Error => Object.assign(new Error(code), { code });
const kinds = (pipeline: { readonly policies: readonly { readonly kind: string }[] }): readonly string[] =>
  pipeline.policies.map(({ kind }) => kind);

function faultsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('a preset', () => {
  it.each(Object.keys(presets) as PresetName[])(
    '%s gives what the function gives, and ends a call that hangs within its time',
    async (name) => {
      const clock = new VirtualClock();
      const preset = new Map(Object.entries(presets)).get(name)!;
      const calls = preset({ clock, name: 'upstream' });
      expect(await calls.execute(async () => 'answer')).toBe('answer');
      const hung = calls.tryExecute(() => new Promise(() => undefined));
      await clock.advance(presetDefinitions[name].totalTimeoutMs + 1);
      expect((await hung).ok).toBe(false);
    },
  );

  it('integrated makes three attempts from one second doubling, and opens after five failures for a minute', async () => {
    const clock = new VirtualClock();
    const calls = integrated({ clock, random: { next: () => 1 - 1e-12 } });
    const waits: number[] = [];
    calls.on('retry', ({ delayMs }) => waits.push(Math.round(delayMs)));
    const down = async (): Promise<never> => {
      throw withStatus(503);
    };
    const first = calls.tryExecute(down);
    await clock.advance(3_000);
    const second = calls.tryExecute(down);
    await clock.advance(3_000);
    await Promise.all([first, second]);
    const refused = await calls.tryExecute(down);
    // The second call is refused when its last wait is over.
    expect(waits).toEqual([1_000, 2_000, 1_000, 2_000]);
    expect(!refused.ok && refused.error).toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  it('background runs five at a time and takes no fallback', () => {
    const fallback = { fallback: { value: 1 } } as object;
    expect(faultsOf(() => background(fallback))).toEqual(['background.fallback']);
    expect(presetDefinitions.background).toMatchObject({ totalTimeoutMs: 60_000, bulkhead: { maxConcurrent: 5 } });
  });
});

describe('the places of a preset', () => {
  it('stand in one order, and can be changed, shared, filled and left out', async () => {
    const shared = circuitBreaker({ name: 'shared' });
    const one = httpClient({ circuitBreaker: shared, bulkhead: false, fallback: { value: 'none' } });
    const other = httpClient({ circuitBreaker: shared });
    expect(kinds(one)).toEqual(['fallback', 'timeout', 'retry', 'circuit-breaker', 'timeout']);
    expect(kinds(other)).toEqual(['timeout', 'retry', 'circuit-breaker', 'bulkhead', 'timeout']);
    shared.isolate('maintenance');
    expect(await one.execute(async () => 'item')).toBe('none');
    expect((await other.tryExecute(async () => 'item')).ok).toBe(false);
  });

  it('keep what a change does not name', () => {
    const retry = httpClient({ retry: { maxAttempts: 5 } }).policies.find(({ kind }) => kind === 'retry');
    expect(retry?.options).toMatchObject({ maxAttempts: 5, maxRetryAfterMs: 10_000, retryIf: isTransient });
  });

  it('keep what a change leaves undefined, as a program writes it that has a setting or none', () => {
    const unset = { maxAttempts: undefined, backoff: undefined, retryIf: undefined, maxConcurrent: undefined };
    const { maxConcurrent, ...retry } = unset;
    const changed = httpClient({
      retry,
      bulkhead: { maxConcurrent },
      totalTimeout: { timeoutMs: undefined },
      attemptTimeout: { timeoutMs: undefined },
      circuitBreaker: { breakMs: undefined, trip: undefined },
    });
    const optionsOf = ({ policies }: typeof changed): readonly unknown[] => policies.map(({ options }) => options);
    expect(optionsOf(changed)).toEqual(optionsOf(httpClient()));
    expect(kinds(integrated({ attemptTimeout: { timeoutMs: undefined } }))).toEqual(kinds(integrated()));
  });

  it.each(Object.keys(presets) as PresetName[])('of %s can each be left out, the empty ones too', (name) => {
    const preset = new Map(Object.entries(presets)).get(name)!;
    const nothing = Object.fromEntries(presetPlaces.map((place) => [place, false]));
    expect(kinds(preset(nothing as object))).toEqual([]);
    expect(kinds(preset({ rateLimit: false }))).toEqual(kinds(preset()));
  });

  it('want the time of an attempt with what else is said of it where the preset has none', () => {
    expect(faultsOf(() => integrated({ attemptTimeout: { mode: 'cooperative' } }))).toEqual([
      'integrated.attemptTimeout.timeoutMs',
    ]);
  });

  it('of the breaker take a ratio in place of a rule, and a rule in place of a ratio', () => {
    const of = (options: object): object | undefined =>
      integrated(options).policies.find(({ kind }) => kind === 'circuit-breaker')?.options;
    expect(of({ circuitBreaker: { failureRatio: 0.3 } })).toMatchObject({ failureRatio: 0.3, breakMs: 60_000 });
    expect(of({ circuitBreaker: { failureRatio: 0.3 } })).not.toHaveProperty('trip');
  });

  it('keep a rule of the breaker apart from the ratio it replaces', () => {
    const trips = httpClient({ circuitBreaker: { trip: consecutive(2) } }).policies.find(
      ({ kind }) => kind === 'circuit-breaker',
    );
    expect(trips).toMatchObject({ options: { trip: expect.anything() } });
  });

  it('take a limit only as a policy, and nothing that is no object for the others', () => {
    const path = 'httpClient';
    for (const wrong of [
      { rateLimit: 5 },
      { retry: 3 },
      { bulkhead: [] },
      { attemptTimeout: null },
      { retry: timeout({ timeoutMs: 5 }) },
    ]) {
      const place = Object.keys(wrong)[0]!;
      expect(() => httpClient(wrong as never)).toThrow(`${path}.${place}`);
    }
    expect(() => httpClient({ rateLimit: rateLimit(rateLimiter({ limit: 1, periodMs: 1_000 })) })).not.toThrow();
    expect(() =>
      httpClient({ rateLimit: keyed(() => rateLimit(rateLimiter({ limit: 1, periodMs: 1_000 }))) }),
    ).not.toThrow();
  });

  it('pass an error that is no fault of the options through', () => {
    const thrown = new Error('not mine');
    const retry = Object.defineProperty({}, 'maxAttempts', {
      enumerable: true,
      get: () => {
        throw thrown;
      },
    });
    expect(() => httpClient({ retry })).toThrow(thrown);
  });

  it('refuse what can not be meant, all at once', () => {
    const wrong = {
      retry: { maxAttempts: 0 },
      bulkhead: { maxConcurent: 3 },
      attemptTimeout: circuitBreaker(),
      brekaer: 1,
    };
    expect(faultsOf(() => httpClient(wrong as object))).toEqual([
      'httpClient.attemptTimeout',
      'httpClient.brekaer',
      'httpClient.retry.maxAttempts',
      'httpClient.bulkhead.maxConcurent',
    ]);
  });
});

describe('what is tried again', () => {
  it('is every error but aborts, faults of the request, refusals, and statuses that another try can not mend', () => {
    const again = [new Error('reset'), 'text', undefined, ...[408, 425, 429, 500, 502, 503, 504].map(withStatus)];
    const never = [
      new DOMException('aborted', 'AbortError'),
      Object.assign(new Error('no'), { retryable: false }),
      new ConfigurationError([]),
      ...[400, 401, 403, 404, 409, 422, 501].map(withStatus),
      Object.assign(new Error('axios'), { response: { status: 404 } }),
      Object.assign(new Error('got'), { statusCode: 410 }),
    ];
    expect(again.filter((error) => !isTransient(error))).toEqual([]);
    expect(never.filter((error) => isTransient(error))).toEqual([]);
  });

  it('of a database is a lost connection, a lock or a lack of resources, and no fault of the statement', () => {
    const again = ['08006', '40001', '40P01', '53300', '55P03', '57P01', 'ER_LOCK_DEADLOCK', 'ECONNRESET', 'EPIPE'];
    const never = ['23505', '42601', '22P02', 'ER_DUP_ENTRY'];
    expect(again.filter((code) => !isTransientDatabaseError(coded(code)))).toEqual([]);
    expect(never.filter((code) => isTransientDatabaseError(coded(code)))).toEqual([]);
  });
});

describe('what opens a breaker', () => {
  it('is no status that tells of the request alone', () => {
    expect([404, 422, 429].some((status) => isUpstreamFailure(withStatus(status)))).toBe(false);
    expect([408, 500, 503].every((status) => isUpstreamFailure(withStatus(status)))).toBe(true);
    expect(isUpstreamFailure(new Error('reset'))).toBe(true);
  });

  it('of a database is no fault of the statement, and no deadlock', () => {
    expect(['23505', '40P01', 'ER_LOCK_DEADLOCK'].some((code) => isDatabaseFailure(coded(code)))).toBe(false);
    expect(['08006', '53300', '57P01', 'ECONNREFUSED'].every((code) => isDatabaseFailure(coded(code)))).toBe(true);
  });
});
