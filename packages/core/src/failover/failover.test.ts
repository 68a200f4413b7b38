import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/index.ts';
import { circuitBreaker } from '../circuit-breaker/index.ts';
import { seededRandom } from '../clock/random.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/index.ts';
import type { Policy } from '../policy/index.ts';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { timeout } from '../timeout/index.ts';
import { failover, type Failover } from './index.ts';

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

/** Fails on the endpoints that are named. */
const downOn =
  (...down: readonly string[]) =>
  async (endpoint: string): Promise<string> => {
    if (down.includes(endpoint)) throw new Error(`${endpoint} is down`);
    return endpoint;
  };

async function times(count: number, call: () => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index++) await call().catch(() => undefined);
}

const ejectedOf = <E>(group: Failover<E>): readonly E[] =>
  group.endpoints.filter(({ ejected }) => ejected).map(({ endpoint }) => endpoint);

describe('failover', () => {
  it('asks the endpoints in order, and the next one when one fails', async () => {
    const group = failover(['a', 'b', 'c']);
    const seen: unknown[] = [];
    group.on('failover', ({ from, to, error }) => seen.push([from, to, (error as Error).message]));
    expect(await group.execute(downOn())).toBe('a');
    expect(await group.execute(downOn('a', 'b'))).toBe('c');
    expect(seen).toEqual([
      ['a', 'b', 'a is down'],
      ['b', 'c', 'b is down'],
    ]);
    expect(group.endpoints.map(({ asked }) => asked)).toEqual([2, 1, 1]);
  });

  it('rejects with the last failure when all fail', async () => {
    const group = failover(['a', 'b']);
    expect(await failing(group.execute(downOn('a', 'b')))).toMatchObject({ message: 'b is down' });
  });

  it('does not go on after an error that another endpoint would not mend', async () => {
    const group = failover(['a', 'b']);
    const refused = Object.assign(new Error('must not be sent twice'), { retryable: false });
    expect(await failing(group.execute(() => Promise.reject(refused)))).toBe(refused);
    expect(group.endpoints.map(({ asked }) => asked)).toEqual([1, 0]);
    const picky = failover(['a', 'b'], { failoverIf: (error) => (error as Error).message !== 'bad request' });
    expect(await failing(picky.execute(() => Promise.reject(new Error('bad request'))))).toBeInstanceOf(Error);
    expect(picky.endpoints.map(({ asked }) => asked)).toEqual([1, 0]);
  });

  it('tells a condition that throws and does not go on', async () => {
    const group = failover(['a', 'b'], {
      failoverIf: () => {
        throw new Error('broken hook');
      },
    });
    const hooks: unknown[] = [];
    group.on('hook-failed', ({ hook }) => hooks.push(hook));
    expect(await failing(group.execute(downOn('a')))).toMatchObject({ message: 'a is down' });
    expect(hooks).toEqual(['failoverIf']);
  });

  it.each([
    ['there is one endpoint', ['a'], undefined],
    ['it may ask no other', ['a', 'b'], 1],
  ])('has nobody to hedge with where %s', async (_title, endpoints, maxEndpoints) => {
    const clock = new VirtualClock();
    const group = failover(endpoints, { hedgeDelayMs: 10, maxEndpoints, clock });
    let asked = 0;
    const slow = group.execute(
      () => new Promise((resolve) => (asked++, void clock.setTimer(50, () => resolve('answered')))),
    );
    await clock.advance(50);
    expect([await slow, asked]).toEqual(['answered', 1]);
  });

  it('asks no more endpoints than it may; one that refuses has not been asked', async () => {
    const breakers = new Map<string, ReturnType<typeof circuitBreaker>>();
    const group = failover(['a', 'b', 'c', 'd'], {
      maxEndpoints: 2,
      policies: (endpoint) => {
        const breaker = circuitBreaker();
        breakers.set(endpoint, breaker);
        return [breaker];
      },
    });
    breakers.get('a')!.isolate();
    expect(await failing(group.execute(downOn('b', 'c')))).toMatchObject({ message: 'c is down' });
  });

  it('gives each endpoint a breaker of its own', async () => {
    const clock = new VirtualClock();
    const group = failover(['a', 'b'], {
      clock,
      policies: () => [circuitBreaker({ failureRatio: 1, minThroughput: 3 })],
      maxEjectedRatio: 0,
    });
    await times(3, () => group.execute(downOn('a')));
    const states = group.endpoints.map(({ policies }) => (policies[0] as ReturnType<typeof circuitBreaker>).state);
    expect(states).toEqual(['open', 'closed']);
    let asked = 0;
    await group.execute(async (endpoint) => (asked++, endpoint));
    expect(asked).toBe(1);
  });

  it('says when another try makes sense where all refuse', async () => {
    const clock = new VirtualClock();
    let breakMs = 5_000;
    const group = failover(['a', 'b'], {
      clock,
      policies: () => [circuitBreaker({ failureRatio: 1, minThroughput: 1, breakMs: (breakMs += 1_000) })],
    });
    await failing(group.execute(downOn('a', 'b')));
    await clock.advance(500);
    expect(await failing(group.execute(downOn()))).toMatchObject({
      code: 'NO_ENDPOINT',
      category: 'circuit_breaker',
      retryAfterMs: 5_500,
      cause: { code: 'CIRCUIT_OPEN' },
    });
  });

  it('says no time where the refusals know none', async () => {
    const group = failover(['a', 'b'], {
      policies: () => [bulkhead({ maxConcurrent: 1, maxQueue: 0 })],
      maxEndpoints: 1,
    });
    const ends: (() => void)[] = [];
    const busy = group.endpoints.map(() => group.execute(() => new Promise<void>((resolve) => ends.push(resolve))));
    expect(await failing(group.execute(downOn()))).toMatchObject({ code: 'NO_ENDPOINT', retryAfterMs: undefined });
    for (const end of ends) end();
    await Promise.all(busy);
  });

  it('hands the cost of a call to the policies of every endpoint', async () => {
    const costs: unknown[] = [];
    const noting: Policy = {
      kind: 'noting',
      enter: (call) => void costs.push(call.options?.cost),
      leave: (_call, _at, outcome) => outcome,
      cancel: () => {},
    };
    const group = failover(['a', 'b'], { policies: () => [noting] });
    await group.execute(downOn('a'), { cost: 3 });
    await group.execute(downOn());
    expect(costs).toEqual([3, 3, undefined]);
  });

  it('tells nothing more to a listener that has gone', async () => {
    const group = failover(['a', 'b']);
    const seen: string[] = [];
    const stop = group.on('*', ({ type }) => seen.push(type));
    await group.execute(downOn('a'));
    const before = seen.length;
    expect(before).toBeGreaterThan(0);
    stop();
    await group.execute(downOn('a'));
    expect(seen).toHaveLength(before);
  });

  it('tells its functions which attempt, pipeline, priority and time they run under', async () => {
    const clock = new VirtualClock();
    const group = failover(['a'], { clock, name: 'stores' });
    const told = await group.execute(
      (_endpoint, { attempt, pipeline: name, priority, remainingMs }) => [attempt, name, priority, remainingMs],
      {
        priority: 'high',
        deadlineMs: 40,
      },
    );
    expect(told).toEqual([1, expect.any(String), 'high', 40]);
  });

  it('spreads by load: the fewest calls under way first, of equals the least asked', async () => {
    const group = failover(['a', 'b', 'c'], { order: 'least-loaded' });
    const open: (() => void)[] = [];
    const asked: string[] = [];
    const hold = (): Promise<void> =>
      group.execute((endpoint) => {
        asked.push(endpoint);
        return new Promise<void>((resolve) => open.push(resolve));
      });
    const calls = [hold(), hold(), hold(), hold()];
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
    expect(group.endpoints.map(({ running }) => running)).toEqual([2, 1, 1]);
    open[1]!();
    await calls[1];
    calls.push(hold());
    expect(asked.at(-1)).toBe('b');
    for (const release of open) release();
    await Promise.all(calls);
    expect(group.endpoints.map(({ running }) => running)).toEqual([0, 0, 0]);
  });

  it('ejects an endpoint that fails much more often than the others, and asks it last until its time is over', async () => {
    const clock = new VirtualClock();
    const group = failover(['a', 'b', 'c'], { clock, policies: () => [], minThroughput: 10, ejectionMs: 30_000 });
    const told: unknown[] = [];
    group.on('*', (event) => {
      if (event.type.startsWith('endpoint-')) told.push([event.type, event]);
    });
    await times(9, () => group.execute(downOn('a')));
    expect(ejectedOf(group)).toEqual([]);
    await times(1, () => group.execute(downOn('a')));
    expect(ejectedOf(group)).toEqual(['a']);
    expect(told).toMatchObject([
      ['endpoint-ejected', { endpoint: 'a', failureRatio: 1, othersRatio: 0, ejectionMs: 30_000 }],
    ]);
    expect(await group.execute(downOn())).toBe('b');
    // Better than no answer.
    expect(await group.execute(downOn('b', 'c'))).toBe('a');
    await clock.advance(30_000);
    expect(await group.execute(downOn())).toBe('a');
    expect(told.at(-1)).toMatchObject(['endpoint-returned', { endpoint: 'a' }]);
  });

  it('ejects for twice as long when an endpoint fails again, and anew once it has proven itself', async () => {
    const clock = new VirtualClock();
    const group = failover(['a', 'b'], { clock, policies: () => [], ejectionMs: 1_000, samplingMs: 1_000 });
    const durations: number[] = [];
    group.on('endpoint-ejected', ({ ejectionMs }) => durations.push(ejectionMs));
    const ejectOnce = async (): Promise<void> => {
      await times(10, () => group.execute(downOn('a')));
      await clock.advance(durations.at(-1)!);
    };
    for (let round = 0; round < 6; round++) await ejectOnce();
    expect(durations).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    await clock.advance(10_000);
    await ejectOnce();
    expect(durations.at(-1)).toBe(1_000);
  });

  it('ejects none when all fail alike, and never more than half', async () => {
    const clock = new VirtualClock();
    const options = { clock, policies: () => [], maxEjectedRatio: 0.5 } as const;
    const alike = failover(['a', 'b', 'c'], options);
    await times(50, () => alike.execute(downOn('a', 'b', 'c')));
    expect(ejectedOf(alike)).toEqual([]);
    const two = failover(['a', 'b', 'c'], { ...options, order: 'least-loaded' });
    await times(200, () => two.execute(downOn('a', 'b')));
    expect(ejectedOf(two)).toHaveLength(1);
  });

  it('never has more than half of any number of endpoints ejected, whatever fails when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer(), async (count, seed) => {
        const clock = new VirtualClock();
        const random = seededRandom(seed);
        const endpoints = Array.from({ length: count }, (_, index) => index);
        const badness = endpoints.map(() => random.next());
        const options = {
          clock,
          policies: () => [],
          minThroughput: 3,
          ejectionMs: 500,
          order: 'least-loaded',
        } as const;
        const group = failover(endpoints, options);
        for (let call = 0; call < 100; call++) {
          const run = group.execute(async (endpoint) => {
            if (random.next() < badness[endpoint]!) throw new Error('down');
          });
          await run.catch(() => undefined);
          if (call % 10 === 0) await clock.advance(200 * random.next());
          expect(ejectedOf(group).length).toBeLessThanOrEqual(count / 2);
          expect(group.endpoints.every(({ running }) => running === 0)).toBe(true);
        }
      }),
      propertyRuns(30),
    );
  });

  it('asks the next endpoint beside one that keeps a call waiting; the loser is aborted and counts for nothing', async () => {
    const clock = new VirtualClock();
    const group = failover(['slow', 'quick'], { clock, hedgeDelayMs: 100 });
    const told: unknown[] = [];
    group.on('endpoint-hedged', ({ from, to }) => told.push([from, to, clock.now()]));
    let loser: AbortSignal | undefined;
    const done = group.execute(async (endpoint, { signal }) => {
      if (endpoint === 'quick') return endpoint;
      loser = signal;
      return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await clock.advance(1_000);
    expect(await done).toBe('quick');
    expect([told, loser!.aborted]).toEqual([[['slow', 'quick', 100]], true]);
    expect(group.endpoints.map(({ running, throughput }) => [running, throughput])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect([await group.close(), clock.pendingTimers]).toEqual([0, 0]);
  });

  it('asks no more endpoints beside each other than it may, and than there are', async () => {
    const clock = new VirtualClock();
    for (const [maxEndpoints, count] of [
      [2, 2],
      [9, 3],
    ] as const) {
      const group = failover(['a', 'b', 'c'], { clock, hedgeDelayMs: 100, maxEndpoints });
      const asked: string[] = [];
      const done = group.execute((endpoint) => {
        asked.push(endpoint);
        return new Promise<string>((resolve) => clock.setTimer(1_000, () => resolve(endpoint)));
      });
      await clock.advance(2_000);
      expect([await done, asked.length]).toEqual(['a', count]);
      expect([await group.close(), clock.pendingTimers]).toEqual([0, 0]);
    }
  });

  it('waits for those that were asked when one of them fails for good', async () => {
    const clock = new VirtualClock();
    const group = failover(['slow', 'refusing'], { clock, hedgeDelayMs: 100, failoverIf: () => false });
    const done = group.execute(
      (endpoint) =>
        new Promise<string>((resolve, reject) => {
          if (endpoint === 'refusing') reject(new Error('no'));
          else clock.setTimer(500, () => resolve(endpoint));
        }),
    );
    await clock.advance(500);
    expect(await done).toBe('slow');
  });

  it('ends at once with the caller, and with its deadline; endpoints are told by their signals', async () => {
    const clock = new VirtualClock();
    const group = failover(['a', 'b'], { clock });
    const signals: AbortSignal[] = [];
    const hang = (_: string, { signal }: { readonly signal: AbortSignal }) => {
      signals.push(signal);
      return new Promise<void>(() => undefined);
    };
    const controller = new AbortController();
    const aborted = failing(group.execute(hang, { signal: controller.signal }));
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    const late = failing(group.execute(hang, { deadlineMs: 1_000 }));
    await clock.advance(1_000);
    expect(await late).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
  });

  it('takes an endpoint that kept a call until its time was up for one that failed, and no other end from outside', async () => {
    const hangingOnA = (endpoint: string): unknown => (endpoint === 'b' ? 'b' : new Promise(() => undefined));
    const clock = new VirtualClock();
    const group = failover(['a', 'b'], { clock, policies: () => [] });
    const whole = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const run = async (call: Promise<unknown>): Promise<void> => {
      const ended = call.catch(() => undefined);
      await clock.advance(100);
      await ended;
    };
    for (let calls = 0; calls < 20; calls++) {
      const controller = new AbortController();
      const aborted = run(group.execute(hangingOnA, { signal: controller.signal }));
      controller.abort();
      await aborted;
    }
    expect(group.endpoints[0]).toMatchObject({ throughput: 0, ejected: false });
    for (let calls = 0; calls < 5; calls++) {
      await run(group.execute(hangingOnA, { deadlineMs: 100 }));
      await run(whole.execute((context) => group.execute(hangingOnA, { parent: context })));
    }
    expect(ejectedOf(group)).toEqual(['a']);
    expect(await group.execute(hangingOnA)).toBe('b');
  });

  it('takes all endpoints that were asked beside each other for failed when the time of the call was up', async () => {
    const clock = new VirtualClock();
    const group = failover(['a', 'b'], { clock, hedgeDelayMs: 10 });
    const error = failing(group.execute(() => new Promise(() => undefined), { deadlineMs: 100 }));
    await clock.advance(100);
    expect(await error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(group.endpoints.map(({ throughput, failureRatio }) => [throughput, failureRatio])).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('stands inside a pipeline, whose attempts go over all endpoints', async () => {
    const clock = new VirtualClock();
    const group = failover(['a', 'b'], { clock, policies: () => [bulkhead({ maxConcurrent: 1 })] });
    const call = pipeline({ clock }, timeout({ timeoutMs: 1_000 }));
    const seen: unknown[] = [];
    const done = call.execute(
      (parent) =>
        group.execute(
          async (endpoint, context) => {
            seen.push([endpoint, context.key, context.remainingMs]);
            return downOn('a')(endpoint);
          },
          { parent },
        ),
      { key: 'k' },
    );
    expect(await done).toBe('b');
    expect(seen).toEqual([
      ['a', 'k', 1_000],
      ['b', 'k', 1_000],
    ]);
  });

  it('refuses policies that are no list', () => {
    const policies = (() => circuitBreaker()) as never;
    expect(() => failover(['a'], { policies })).toThrow('failover.policies: expected a list of policies');
  });

  it('refuses what can not be meant', () => {
    expect(() => failover([])).toThrow(/at least one endpoint/);
    expect(() => failover(['a'], { maxEjectedRatio: 0.6 })).toThrow(/maxEjectedRatio/);
    expect(() => failover(['a'], { hedgeDelay: 5 } as never)).toThrow(/hedgeDelayMs\?/);
  });
});
