import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
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

  it('tells of every pipeline that can not be put together, and leaves nothing behind', async () => {
    const other = circuitBreaker({ clock: new VirtualClock() });
    const clock = new VirtualClock();
    const registry = pipelineRegistry(row({ timeout: '1s' }), { clock, policies: { other } });
    const wrong = {
      pipelines: {
        fresh: { policies: ['retry'] },
        stock: { policies: [{ timeout: '2s' }, { use: 'other' }] },
        prices: { policies: [{ use: 'other' }] },
      },
    };
    expect(faultsOf(() => registry.update(wrong))).toEqual([
      'pipelines.stock.circuit-breaker.clock',
      'pipelines.prices.circuit-breaker.clock',
    ]);
    expect([registry.names, registry.list()[0]!.policies[0]!.options['timeoutMs']]).toEqual([['stock'], 1_000]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('after the registry was closed brings no pipeline that takes calls', async () => {
    const registry = pipelineRegistry(row('retry'));
    expect(await registry.close()).toBe(0);
    const late = { pipelines: { late: { policies: ['retry'] } } };
    expect(registry.update(late)).toMatchObject({ added: ['late'], removed: ['stock'] });
    const refused = await registry.get('late').tryExecute(async () => 'item');
    expect(!refused.ok && refused.error).toMatchObject({ code: 'PIPELINE_CLOSED' });
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
