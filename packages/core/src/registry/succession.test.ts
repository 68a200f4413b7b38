import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { EventEnvelope } from '../events/event.ts';
import { type PipelineRegistry, pipelineRegistry } from './registry.ts';

const breaker = { circuitBreaker: { trip: { consecutive: { failures: 1 } }, breakMs: '1m' } };
const row = (...policies: readonly unknown[]): object => ({ pipelines: { stock: { policies } } });
const keyed = (policy: unknown, more: object = {}): object => ({ keyed: { policy, ...more } });

const item = async (): Promise<string> => 'item';
const fails = async (): Promise<never> => {
  throw new Error('down');
};

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** What calls with these keys come to: `true`, or the code of their error. */
async function answers(registry: PipelineRegistry, keys: readonly string[], name = 'stock'): Promise<unknown[]> {
  const pipeline = registry.get(name);
  const outcomes = [];
  for (const key of keys) outcomes.push(await pipeline.tryExecute(item, { key }));
  return outcomes.map((outcome) => (outcome.ok ? true : (outcome.error as { readonly code?: string }).code));
}

const keysOf = (registry: PipelineRegistry): unknown => registry.list()[0]!.policies[0]!.state['size'];

describe('an update that changes a keyed policy', () => {
  it('leaves each key its very policy where only the bounds of the keys change: open stays open, closed closed', async () => {
    const registry = pipelineRegistry(row(keyed(breaker, { maxKeys: 100 })), { clock });
    await registry.get('stock').tryExecute(fails, { key: 'a' });
    await registry.get('stock').tryExecute(item, { key: 'b' });
    await clock.advance(20_000);
    expect(registry.update(row(keyed(breaker, { maxKeys: 200, idleMs: '1h' }))).changed).toEqual(['stock']);
    expect([await answers(registry, ['a', 'b']), keysOf(registry)]).toEqual([['CIRCUIT_OPEN', true], 2]);
    await clock.advance(39_999);
    expect(await answers(registry, ['a'])).toEqual(['CIRCUIT_OPEN']);
    await clock.advance(1);
    expect(await answers(registry, ['a'])).toEqual([true]);
  });

  it('does not forget what a key has spent of its limit', async () => {
    const limit = { rateLimit: { limit: 1, periodMs: '1m', maxWaitMs: 0 } };
    const registry = pipelineRegistry(row(keyed(limit)), { clock });
    await answers(registry, ['a']);
    registry.update(row(keyed(limit, { maxKeys: 5 })));
    expect(await answers(registry, ['a', 'b'])).toEqual(['RATE_LIMITED', true]);
  });

  it('counts a call of before against the places of its key', async () => {
    const registry = pipelineRegistry(row(keyed({ bulkhead: 1 })), { clock });
    const running = registry
      .get('stock')
      .execute(() => new Promise((resolve) => void clock.setTimer(100, () => resolve('done'))), { key: 'a' });
    registry.update(row(keyed({ bulkhead: 1 }, { maxKeys: 5 })));
    expect(await answers(registry, ['a', 'b'])).toEqual(['BULKHEAD_FULL', true]);
    await clock.advance(100);
    expect([await running, await answers(registry, ['a'])]).toEqual(['done', [true]]);
  });

  it('lets the breaker of each key go on, for what is left, where the options of those change', async () => {
    const registry = pipelineRegistry(row(keyed(breaker)), { clock });
    await registry.get('stock').tryExecute(fails, { key: 'a' });
    await registry.get('stock').tryExecute(item, { key: 'b' });
    await clock.advance(20_000);
    registry.update(row(keyed({ circuitBreaker: { ...breaker.circuitBreaker, probes: 2 } })));
    await clock.advance(39_999);
    expect(await answers(registry, ['a', 'b'])).toEqual(['CIRCUIT_OPEN', true]);
    await clock.advance(1);
    expect(await answers(registry, ['a'])).toEqual([true]);
  });

  it('begins anew for every key where what each is made of changes and is no breaker', async () => {
    const registry = pipelineRegistry(row(keyed({ bulkhead: 1 })), { clock });
    await answers(registry, ['a', 'b']);
    registry.update(row(keyed({ bulkhead: 2 })));
    expect(keysOf(registry)).toBe(0);
  });

  it('lets go of the longest unused, two at a call, where fewer keys may be remembered, and of none that is open', async () => {
    const registry = pipelineRegistry(row(keyed(breaker)), { clock });
    await registry.get('stock').tryExecute(fails, { key: 'open' });
    for (const key of ['1', '2', '3', '4', '5']) await answers(registry, [key]);
    const gone: unknown[] = [];
    registry.get('stock').on('*', (event: EventEnvelope) => event.type === 'key-evicted' && gone.push(event.key));
    registry.update(row(keyed(breaker, { maxKeys: 3 })));
    expect(keysOf(registry)).toBe(6);
    for (let call = 0; call < 3; call++) await answers(registry, ['5']);
    expect([keysOf(registry), gone]).toEqual([3, ['1', '2', '3']]);
    expect(await answers(registry, ['open', '4', '5'])).toEqual(['CIRCUIT_OPEN', true, true]);
  });

  it('that is shared keeps its keys for all that use it, those that are new too', async () => {
    const shared = (more: object, ...names: readonly string[]): object => ({
      shared: { hosts: keyed(breaker, more) },
      pipelines: Object.fromEntries(names.map((name) => [name, { policies: [{ use: 'hosts' }] }])),
    });
    const registry = pipelineRegistry(shared({}, 'stock'), { clock });
    await registry.get('stock').tryExecute(fails, { key: 'a' });
    registry.update(shared({ maxKeys: 7 }, 'stock', 'prices'));
    const found = [await answers(registry, ['a', 'b'], 'prices'), await answers(registry, ['a', 'b'])];
    expect(found).toEqual([
      ['CIRCUIT_OPEN', true],
      ['CIRCUIT_OPEN', true],
    ]);
  });

  it('keeps telling what the policies of its keys tell, with their keys', async () => {
    const registry = pipelineRegistry(row(keyed(breaker)), { clock });
    const told: unknown[] = [];
    const listener = ({ type, key }: EventEnvelope): unknown => type.startsWith('circuit-') && told.push([type, key]);
    registry.get('stock').on('*', listener);
    await registry.get('stock').tryExecute(item, { key: 'a' });
    registry.update(row(keyed(breaker, { maxKeys: 7 })));
    await registry.get('stock').tryExecute(fails, { key: 'a' });
    expect(told).toEqual([['circuit-opened', 'a']]);
  });

  it('makes nothing of keys where the policy in its place is of another kind', async () => {
    const registry = pipelineRegistry(row({ bulkhead: { maxConcurrent: 1, name: 'gate' } }), { clock });
    registry.update(row({ keyed: { policy: breaker, name: 'gate' } }));
    await registry.get('stock').tryExecute(fails, { key: 'a' });
    registry.update(row({ bulkhead: { maxConcurrent: 1, name: 'gate' } }));
    expect(await answers(registry, ['a'])).toEqual([true]);
  });
});

describe('a breaker that went on in the state of another', () => {
  const changed = { circuitBreaker: { ...breaker.circuitBreaker, probes: 2 } };

  it('is not put back into it by a later update that leaves it as it is', async () => {
    const registry = pipelineRegistry(row(breaker), { clock });
    const stock = registry.get('stock');
    await stock.tryExecute(fails);
    registry.update(row(changed));
    await clock.advance(60_000);
    for (let probe = 0; probe < 2; probe++) await stock.execute(item);
    expect(registry.list()[0]!.policies[0]!.state['state']).toBe('closed');
    registry.update(row(changed, { timeout: '5s' }));
    expect(registry.list()[0]!.policies[0]!.state['state']).toBe('closed');
  });

  it('is not put back either where it is that of a key', async () => {
    const registry = pipelineRegistry(row(keyed(breaker)), { clock });
    const stock = registry.get('stock');
    await stock.tryExecute(fails, { key: 'a' });
    registry.update(row(keyed(changed)));
    await clock.advance(60_000);
    expect(await answers(registry, ['a', 'a'])).toEqual([true, true]);
    await stock.tryExecute(fails, { key: 'a' });
    registry.update(row(keyed(changed), { timeout: '5s' }));
    expect(await answers(registry, ['a'])).toEqual(['CIRCUIT_OPEN']);
  });
});

describe('an update that says in another way where the only breaker of a pipeline stands', () => {
  const shared = (...names: readonly string[]): object => ({
    shared: { upstream: breaker },
    pipelines: Object.fromEntries(names.map((name) => [name, { policies: [{ use: 'upstream' }] }])),
  });
  const own = (...names: readonly string[]): object => ({
    pipelines: Object.fromEntries(names.map((name) => [name, { policies: [breaker] }])),
  });
  const renamed = row({ circuitBreaker: { ...breaker.circuitBreaker, name: 'other' } });
  const placed = { pipelines: { stock: { preset: 'integrated', ...breaker } } };

  it.each<readonly [string, object, object]>([
    ['becomes shared', own('stock'), shared('stock')],
    ['is no longer shared', shared('stock', 'prices'), own('stock', 'prices')],
    ['gets another name', own('stock'), renamed],
    ['leaves the place of a preset', placed, own('stock')],
    ['goes into the place of a preset', own('stock'), placed],
  ])('keeps it open when it %s', async (_, before, after) => {
    const registry = pipelineRegistry(before, { clock });
    await clock.settle(registry.get('stock').tryExecute(fails));
    await clock.advance(20_000);
    registry.update(after);
    for (const name of registry.names) expect(await answers(registry, ['a'], name)).toEqual(['CIRCUIT_OPEN']);
    await clock.advance(40_000);
    expect(await answers(registry, ['a'])).toEqual([true]);
  });

  it('opens the one that follows several when one of them is open', async () => {
    for (const open of ['stock', 'prices']) {
      const registry = pipelineRegistry(own('stock', 'prices'), { clock });
      await registry.get(open).tryExecute(fails);
      registry.update(shared('stock', 'prices'));
      expect([await answers(registry, ['a']), await answers(registry, ['a'], 'prices')]).toEqual([
        ['CIRCUIT_OPEN'],
        ['CIRCUIT_OPEN'],
      ]);
    }
  });

  it('opens none that others use already', async () => {
    const policies = [breaker];
    const registry = pipelineRegistry(
      {
        ...shared('prices'),
        pipelines: { ...(shared('prices') as { pipelines: object }).pipelines, stock: { policies } },
      },
      { clock },
    );
    await registry.get('stock').tryExecute(fails);
    registry.update(shared('prices', 'stock'));
    expect([await answers(registry, ['a']), await answers(registry, ['a'], 'prices')]).toEqual([[true], [true]]);
  });
});
