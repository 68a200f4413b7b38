/** The first program of the design: what it says compiles, and does what it says. */
import {
  bulkhead,
  type BulkheadRejectedError,
  circuitBreaker,
  type CircuitBreaker,
  exponential,
  fallback,
  type Outcome,
  pipeline,
  retry,
  timeout,
} from 'breakwater';
import { seededRandom, VirtualClock } from 'breakwater/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';

interface Item {
  readonly sku: string;
}

function inventoryOn(clock: VirtualClock) {
  const breaker = circuitBreaker({ failureRatio: 0.5, minThroughput: 10, samplingMs: 10_000, breakMs: 30_000 });
  const inventory = pipeline(
    { name: 'inventory', clock, random: seededRandom(1) },
    timeout({ timeoutMs: 10_000 }),
    retry({ maxAttempts: 4, backoff: exponential({ initialMs: 200, maxMs: 5_000 }), jitter: 'full' }),
    breaker,
    bulkhead({ maxConcurrent: 10, maxQueue: 50, maxQueueWaitMs: 500 }),
    timeout({ timeoutMs: 2_000 }),
  );
  return { breaker, inventory };
}

const load = async (): Promise<Item> => ({ sku: 'a' });
const fetchItem = async (sku: string, _size?: number): Promise<Item> => ({ sku });

describe('the first program', () => {
  it('executes, tries and wraps', async () => {
    const { inventory } = inventoryOn(new VirtualClock());
    const signals: AbortSignal[] = [];
    const item = await inventory.execute(async ({ signal }) => {
      signals.push(signal);
      return load();
    });
    expectTypeOf(item).toEqualTypeOf<Item>();
    expect(item).toEqual({ sku: 'a' });
    expect(signals[0]).toBeInstanceOf(AbortSignal);
    const outcome = await inventory.tryExecute(load);
    expectTypeOf(outcome).toEqualTypeOf<Outcome<Item>>();
    expect(outcome).toMatchObject({ ok: true, value: { sku: 'a' } });
    const getItem = inventory.wrap(fetchItem, (sku) => ({ key: sku }));
    expectTypeOf(getItem).parameters.toEqualTypeOf<Parameters<typeof fetchItem>>();
    expectTypeOf(getItem).returns.toEqualTypeOf<Promise<Item>>();
    await expect(getItem('b')).resolves.toEqual({ sku: 'b' });
  });

  it('takes what a caller may say about a call', async () => {
    const clock = new VirtualClock();
    const { inventory } = inventoryOn(clock);
    const { signal } = new AbortController();
    const seen = await inventory.execute(({ key, priority, remainingMs }) => ({ key, priority, remainingMs }), {
      signal,
      key: 'sku:1',
      priority: 'high',
      cost: 1,
      deadlineMs: 1_500,
    });
    expect(seen).toEqual({ key: 'sku:1', priority: 'high', remainingMs: 1_500 });
  });

  it('shows the state of its breaker, which can be isolated by several and reset', async () => {
    const { breaker, inventory } = inventoryOn(new VirtualClock());
    expectTypeOf(breaker.state).toEqualTypeOf<'closed' | 'open' | 'half-open' | 'isolated'>();
    expectTypeOf(breaker).toEqualTypeOf<CircuitBreaker>();
    expect([breaker.state, breaker.timeInStateMs]).toEqual(['closed', 0]);
    const release = breaker.isolate('maintenance');
    expect(await inventory.tryExecute(load)).toMatchObject({ ok: false, error: { code: 'CIRCUIT_ISOLATED' } });
    release();
    breaker.isolate();
    breaker.reset();
    await expect(inventory.execute(load)).resolves.toBeDefined();
  });

  it('tells its events by inferred names, and refuses a name that none of its policies tells', async () => {
    const clock = new VirtualClock();
    const { inventory } = inventoryOn(clock);
    const seen: unknown[] = [];
    const stop = inventory.on('retry', (event) => {
      expectTypeOf(event.attempt).toEqualTypeOf<number>();
      expectTypeOf(event.delayMs).toEqualTypeOf<number>();
      expectTypeOf(event.pipeline).toEqualTypeOf<string | undefined>();
      seen.push(event.attempt);
    });
    expectTypeOf(stop).toEqualTypeOf<() => void>();
    inventory.on('circuit-opened', (event) => expectTypeOf(event.breakMs).toEqualTypeOf<number | undefined>());
    inventory.on('bulkhead-rejected', ({ code }) =>
      expectTypeOf(code).toEqualTypeOf<'BULKHEAD_FULL' | 'BULKHEAD_WAIT_TIMEOUT'>(),
    );
    inventory.on('timeout', ({ timeoutMs }) => expectTypeOf(timeoutMs).toEqualTypeOf<number>());
    inventory.on('call-ended', ({ outcome }) => expectTypeOf(outcome).toEqualTypeOf<'success' | 'failure'>());
    // @ts-expect-error None of these policies tells such an event.
    inventory.on('cache-hit', () => undefined);
    // @ts-expect-error This event carries no such fact.
    inventory.on('retry', (event) => event.nothing);
    const call = inventory.tryExecute(() => Promise.reject(new Error('down')));
    await clock.runAll();
    expect(await call).toMatchObject({ ok: false, attempts: 4 });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('hands deadline, signal, key and priority to a call within a call', async () => {
    const clock = new VirtualClock();
    const { inventory } = inventoryOn(clock);
    const other = pipeline({ clock, name: 'other' });
    const seen = await inventory.execute(
      (context) =>
        other.execute(({ key, priority, remainingMs, pipeline: name }) => [name, key, priority, remainingMs], {
          parent: context,
        }),
      { key: 'k', priority: 'low', deadlineMs: 700 },
    );
    expect(seen).toEqual(['other', 'k', 'low', 700]);
  });

  it('closes: no new calls, and those that run are awaited', async () => {
    const { inventory } = inventoryOn(new VirtualClock());
    const running = inventory.execute(load);
    expectTypeOf(inventory.close()).toEqualTypeOf<Promise<number>>();
    await inventory.close();
    await running;
    expect(await inventory.tryExecute(load)).toMatchObject({ ok: false, error: { code: 'PIPELINE_CLOSED' } });
  });
});

describe('types', () => {
  it('say what a fallback adds to the result, of execute, tryExecute and wrap', async () => {
    const calls = pipeline(fallback({ value: null }), retry(), fallback({ run: () => 'none' as const }));
    expectTypeOf(calls.execute(load)).toEqualTypeOf<Promise<Item | 'none' | null>>();
    expectTypeOf(calls.tryExecute(load)).toEqualTypeOf<Promise<Outcome<Item | 'none' | null>>>();
    expectTypeOf(calls.wrap(fetchItem)).returns.toEqualTypeOf<Promise<Item | 'none' | null>>();
    expectTypeOf(pipeline(calls).execute(load)).toEqualTypeOf<Promise<Item | 'none' | null>>();
    expectTypeOf(pipeline(fallback({ run: async () => 5 })).execute(load)).toEqualTypeOf<Promise<Item | 5>>();
    expectTypeOf(pipeline().execute(() => 5)).toEqualTypeOf<Promise<number>>();
    await expect(calls.execute(load)).resolves.toEqual({ sku: 'a' });
  });

  it('know the policies of a pipeline within a pipeline', () => {
    const inner = pipeline({ name: 'inner' }, retry());
    const outer = pipeline(inner, bulkhead());
    outer.on('retry', ({ delayMs }) => expectTypeOf(delayMs).toEqualTypeOf<number>());
    // @ts-expect-error Nobody here tells it.
    outer.on('circuit-opened', () => undefined);
    // @ts-expect-error A retry takes no string for options.
    expect(() => retry('3')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
    // @ts-expect-error An option that is none.
    expect(() => retry({ maxRetries: 3 })).toThrow(/maxRetries/);
    expectTypeOf<BulkheadRejectedError['code']>().toEqualTypeOf<string>();
  });

  it('tell success from failure', async () => {
    const outcome = await pipeline().tryExecute(load);
    if (outcome.ok) expectTypeOf(outcome.value).toEqualTypeOf<Item>();
    else expectTypeOf(outcome.error).toEqualTypeOf<unknown>();
    expect(outcome.ok).toBe(true);
  });
});
