import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { type Bulkhead, bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { rejection, watched } from '../testing/test-support/watched.ts';
import { keyed } from './keyed.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

const item = async (): Promise<string> => 'item';
const down = (): Promise<string> => Promise.reject(new Error('down'));
const never = (): Promise<string> => new Promise(() => undefined);
const breakerOf = () => circuitBreaker({ trip: consecutive(1), breakMs: 1_000 });

describe('the events of a keyed policy', () => {
  it('are those of its policies, each with its key, of calls and of the policies themselves, also by hand', async () => {
    const breakers = keyed(breakerOf);
    const calls = pipeline({ name: 'api', clock }, breakers);
    const told: unknown[] = [];
    calls.on('circuit-opened', ({ pipeline: by, policy, key }) => told.push(['opened', by, policy, key]));
    calls.on('circuit-rejected', ({ pipeline: by, policy, key }) => told.push(['rejected', by, policy, key]));
    calls.on('circuit-isolated', ({ pipeline: by, policy, key }) => told.push(['isolated', by, policy, key]));
    await rejection(calls.execute(down, { key: 'a' }));
    await rejection(calls.execute(item, { key: 'a' }));
    await calls.execute(item, { key: 'b' });
    breakers.get('b')!.isolate();
    expect(told).toEqual([
      ['opened', 'api', 'circuit-breaker', 'a'],
      ['rejected', 'api', 'circuit-breaker', 'a'],
      ['isolated', undefined, 'circuit-breaker', 'b'],
    ]);
  });

  it('carry the key that is the policy’s own, not that of the call', async () => {
    const gates = keyed(() => bulkhead({ maxConcurrent: 1 }), { key: 'all' });
    const calls = pipeline(gates);
    const keys: unknown[] = [];
    calls.on('bulkhead-rejected', ({ key }) => keys.push(key));
    watched(calls.execute(never, { key: 'one' }));
    await rejection(calls.execute(item, { key: 'two' }));
    expect(keys).toEqual(['all']);
  });

  it('are heard of keys that were there before and of those that come later, until one listens no more', async () => {
    const breakers = keyed(breakerOf);
    const calls = pipeline({ clock }, breakers);
    await calls.execute(item, { key: 'before' });
    const heard: unknown[] = [];
    const stop = breakers.events.on('*', ({ type, key }) => heard.push([type, key]));
    await calls.execute(item, { key: 'after' });
    for (const key of ['before', 'after']) await rejection(calls.execute(down, { key }));
    stop();
    breakers.get('after')!.reset();
    await calls.execute(item, { key: 'new' });
    breakers.get('new')!.isolate();
    expect(heard).toEqual([
      ['circuit-opened', 'before'],
      ['circuit-opened', 'after'],
    ]);
  });

  it('are made for nobody as long as nobody listens', async () => {
    const breakers = keyed(breakerOf);
    const calls = pipeline({ clock }, breakers);
    await calls.execute(item, { key: 'a' });
    expect(breakers.get('a')!.events.isHeard).toBe(false);
    const stop = calls.on('circuit-opened', () => undefined);
    expect([
      breakers.get('a')!.events.wants('circuit-opened'),
      breakers.get('a')!.events.wants('circuit-closed'),
    ]).toEqual([true, false]);
    stop();
    expect(breakers.get('a')!.events.isHeard).toBe(false);
  });

  it('of a key that was forgotten are heard no more', async () => {
    const breakers = keyed(breakerOf, { maxKeys: 1 });
    const calls = pipeline({ clock }, breakers);
    const heard: unknown[] = [];
    breakers.events.on('*', ({ type, key }) => heard.push([type, key]));
    await calls.execute(item, { key: 'old' });
    const old = breakers.get('old')!;
    await calls.execute(item, { key: 'new' });
    old.isolate();
    expect([heard, old.events.isHeard]).toEqual([[['key-evicted', 'old']], false]);
  });

  it('and what its policies add to the results, are known to the compiler', () => {
    const calls = pipeline(
      keyed(() => circuitBreaker()),
      keyed(() => fallback({ value: 'none' as const })),
    );
    calls.on('circuit-opened', ({ breakMs }) => expectTypeOf(breakMs).toEqualTypeOf<number | undefined>());
    calls.on('key-evicted', ({ reason }) => expectTypeOf(reason).toEqualTypeOf<'idle' | 'full'>());
    // @ts-expect-error Nobody here tells it.
    calls.on('bulkhead-queued', () => undefined);
    expectTypeOf(calls.execute(() => 5)).toEqualTypeOf<Promise<number | 'none'>>();
    expectTypeOf(keyed(() => bulkhead()).get('a')).toEqualTypeOf<Bulkhead | undefined>();
  });
});
