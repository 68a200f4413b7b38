/** A file of pipelines that is changed while a thousand calls of them are in flight. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CircuitBreaker, ConfigurationError, isBreakwaterError, type Outcome } from 'breakwater';
import { pipelineRegistry, type PipelineRegistry } from 'breakwater/registry';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';

const example = (name: string): string =>
  fileURLToPath(new URL(`../../../../examples/registry/${name}`, import.meta.url));

let folder: string;
let file: string;
let clock: VirtualClock;
let registry: PipelineRegistry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'breakwater-reload-'));
  file = join(folder, 'pipelines.yaml');
  copyFileSync(example('pipelines.yaml'), file);
  clock = new VirtualClock();
  registry = pipelineRegistry(parse(readFileSync(file, 'utf8')), { clock, random: seededRandom(1) });
});
afterEach(() => rmSync(folder, { recursive: true }));

const reload = (): unknown => registry.update(parse(readFileSync(file, 'utf8')));
const after = (ms: number): Promise<number> => new Promise((resolve) => void clock.setTimer(ms, () => resolve(ms)));

/** A thousand calls that take 1 to 1,000 ms each. */
function thousandCalls(): Promise<readonly Outcome<number>[]> {
  const names = ['prices', 'orders'] as const;
  const calls = Array.from({ length: 1_000 }, (_, call) =>
    registry.get(names[call % 100 === 0 ? 1 : 0]).tryExecute(() => after(call + 1), { key: `host ${call % 7}` }),
  );
  return Promise.all(calls);
}

/** Opens the breaker of the pipeline `stock`. */
async function openBreaker(): Promise<CircuitBreaker> {
  const breaker = registry.get('stock').policies.find(({ kind }) => kind === 'circuit-breaker') as CircuitBreaker;
  for (let failures = 0; failures < 5 && breaker.state === 'closed'; failures++) {
    const failing = registry
      .get('stock')
      .tryExecute(() => Promise.reject(Object.assign(new Error('down'), { status: 503 })));
    await clock.settle(failing);
  }
  expect(breaker.state).toBe('open');
  return breaker;
}

it('a changed file loses no call of a thousand in flight, and keeps an open breaker open', async () => {
  const breaker = await openBreaker();
  const calls = thousandCalls();
  await clock.advance(100);
  const busy = registry.list().reduce((sum, pipeline) => sum + pipeline.busy, 0);
  expect(busy).toBe(900);

  copyFileSync(example('pipelines-changed.yaml'), file);
  expect(reload()).toMatchObject({ added: ['parcels'], changed: ['stock', 'prices'], removed: ['orders'] });

  // Under the new options no attempt may take longer than 500 ms: those that run have the old ones.
  const outcomes = await clock.settle(calls);
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  expect(outcomes).toHaveLength(1_000);
  expect(registry.get('stock').policies).toContain(breaker);
  expect(breaker.state).toBe('open');
  const refused = await registry.get('stock').tryExecute(() => 1);
  expect(!refused.ok && isBreakwaterError(refused.error, 'CIRCUIT_OPEN')).toBe(true);
  // New calls have the new limits.
  const late = await clock.settle(registry.get('prices').tryExecute(() => after(1_500)));
  expect(!late.ok && isBreakwaterError(late.error, 'TIMEOUT')).toBe(true);
  await clock.settle(registry.close());
});

it('a wrong file changes nothing, and tells all its faults with their paths', async () => {
  const breaker = await openBreaker();
  const calls = thousandCalls();
  await clock.advance(100);
  const before = registry.list().map(({ name, policies }) => [name, policies.map(({ options }) => options)]);

  writeFileSync(
    file,
    `shared:
  warehouse-breaker: { circuitBreaker: { trip: { consecutive: { failures: 0 } } } }
pipelines:
  stock: { preset: httpClint }
  prices:
    policies:
      - timeout: soon
      - retry: { attempts: 4, budget: warehouse }
      - keyed: { policy: { retry: { maxAttempts: none } } }
  parcels: { policies: [{ use: nobody }] }
`,
  );
  const faults = ((): readonly string[] => {
    try {
      reload();
    } catch (error) {
      if (error instanceof ConfigurationError) return error.faults.map(({ path }) => path);
    }
    return [];
  })();
  expect(faults).toEqual([
    'shared.warehouse-breaker.circuitBreaker.trip.consecutive.failures',
    'pipelines.stock.preset',
    'pipelines.prices.policies[0].timeout.timeoutMs',
    'pipelines.prices.policies[1].retry.attempts',
    'pipelines.prices.policies[2].keyed.policy.retry.maxAttempts',
    'pipelines.parcels.policies[0].use',
  ]);
  expect(registry.list().map(({ name, policies }) => [name, policies.map(({ options }) => options)])).toEqual(before);
  expect(breaker.state).toBe('open');
  expect((await clock.settle(calls)).filter(({ ok }) => !ok)).toEqual([]);
  await clock.settle(registry.close());
});
