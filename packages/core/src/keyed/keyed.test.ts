import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/fallback.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { ExecutionContext } from '../policy/context.ts';
import type { AroundPolicy } from '../policy/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { keyed } from './keyed.ts';
import { breakerOf, down, item, never, passing } from './test-support/keyed-calls.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

describe('a keyed policy', () => {
  it('runs a call under the policy of its key, and makes one for each key', async () => {
    const make = vi.fn(breakerOf);
    const breakers = keyed(make);
    const calls = pipeline({ clock }, breakers);
    await rejection(calls.execute(down, { key: 'a' }));
    expect(await rejection(calls.execute(item, { key: 'a' }))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    await expect(calls.execute(item, { key: 'b' })).resolves.toBe('item');
    expect(make.mock.calls).toEqual([['a'], ['b']]);
    expect([breakers.get('a')?.state, breakers.get('b')?.state, breakers.get('c')]).toEqual([
      'open',
      'closed',
      undefined,
    ]);
    expect(breakers.size).toBe(2);
    expect([...breakers].map(([key, { state }]) => [key, state])).toEqual([
      ['a', 'open'],
      ['b', 'closed'],
    ]);
  });

  it('takes the key of the call by default, inherited too; calls without one share the key of no letters', async () => {
    const gates = keyed(() => bulkhead());
    const calls = pipeline(gates);
    await calls.execute(() => calls.execute(item), { key: 'outer' });
    await calls.execute((context) => calls.execute(item, { parent: context }), { key: 'parent' });
    await calls.execute(item);
    expect([...gates].map(([key, { statistics }]) => [key, statistics.admitted])).toEqual([
      ['outer', 1],
      ['', 2],
      ['parent', 2],
    ]);
  });

  it('prefers a key of its own to that of the call: a fixed one, or one made from the context', async () => {
    const fixed = keyed(() => bulkhead(), { key: 'all' });
    await pipeline(fixed).execute(item, { key: 'mine' });
    expect([...fixed].map(([key]) => key)).toEqual(['all']);
    const seen: ExecutionContext[] = [];
    const tenant = (context: ExecutionContext): string | undefined => {
      seen.push(context);
      return context.key?.split('/')[0];
    };
    const tenants = keyed(() => bulkhead(), { key: tenant });
    const calls = pipeline({ name: 'api' }, tenants);
    await calls.execute(item, { key: 'acme/1', priority: 'high' });
    await calls.execute(item, { key: 'acme/2' });
    expect([...tenants].map(([key]) => key)).toEqual(['acme']);
    expect(seen.map(({ remainingMs }) => remainingMs)).toEqual([Infinity, Infinity]);
    expect(seen[0]).toMatchObject({ key: 'acme/1', priority: 'high', pipeline: 'api' });
  });

  it('takes the key of the call where its own function gives none', async () => {
    const gates = keyed(() => bulkhead(), { key: () => undefined });
    await pipeline(gates).execute(item, { key: 'call' });
    await pipeline(gates).execute(item);
    expect([...gates].map(([key]) => key)).toEqual(['call', '']);
  });

  it('leaves the context of the function as it is', async () => {
    const calls = pipeline(keyed(() => bulkhead(), { key: 'all' }));
    const seen = await calls.execute(({ key, remainingMs }) => [key, remainingMs], { key: 'sku:1' });
    expect(seen).toEqual(['sku:1', Infinity]);
  });

  it('fails the call when its key or its policy can not be made, remembers nothing, and tries anew', async () => {
    let fault: Error | undefined = new TypeError('bug');
    const make = () => {
      if (fault !== undefined) throw fault;
      return bulkhead();
    };
    const gates = keyed(make);
    const calls = pipeline(gates);
    expect(await rejection(calls.execute(item, { key: 'a' }))).toBe(fault);
    expect(gates.size).toBe(0);
    fault = undefined;
    await expect(calls.execute(item, { key: 'a' })).resolves.toBe('item');
    const failing = keyed(() => bulkhead(), {
      key: () => {
        throw new RangeError('no key');
      },
    });
    expect(await rejection(pipeline(failing).execute(item))).toMatchObject({ message: 'no key' });
    for (const wrong of [undefined, null, 'policy', {}]) {
      const odd = keyed(() => wrong as never);
      expect(await rejection(pipeline(odd).execute(item, { key: 'k' }))).toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining("keyed('k'): expected a policy"),
      });
    }
  });

  it('gives its clock and random numbers to the policies, and refuses one that has another clock', async () => {
    const random = { next: () => 0.5 };
    const adopt = vi.fn();
    const calls = pipeline(
      { clock, random },
      keyed(() => passing({ adopt })),
    );
    await calls.execute(item);
    expect(adopt).toHaveBeenCalledWith(clock, random);
    const foreign = keyed(() => bulkhead({ clock: new VirtualClock() }));
    expect(await rejection(pipeline({ clock }, foreign).execute(item, { key: 'k' }))).toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining("keyed('k').clock"),
    });
    await expect(pipeline(keyed(() => bulkhead({ clock }), { clock })).execute(item)).resolves.toBe('item');
  });

  it('tells its policies when the last pipeline is closed that uses them, and when one does again', async () => {
    const told: string[] = [];
    const policies = keyed((key) =>
      passing({ adopt: () => told.push(`${key} adopted`), dismiss: () => told.push(`${key} dismissed`) }),
    );
    const [one, other] = [pipeline({ clock }, policies), pipeline({ clock }, policies)];
    await one.execute(item, { key: 'a' });
    await other.execute(item, { key: 'b' });
    await one.close();
    expect(told).toEqual(['a adopted', 'b adopted']);
    await other.close();
    expect(told.splice(0)).toEqual(['a adopted', 'b adopted', 'a dismissed', 'b dismissed']);
    await pipeline({ clock }, policies).execute(item, { key: 'c' });
    expect(told).toEqual(['a adopted', 'b adopted', 'c adopted']);
  });

  it('holds policies of every form: hooks that wait, that end calls, that go again, an around, a pipeline', async () => {
    const queue = keyed(() => bulkhead({ maxConcurrent: 1, maxQueue: 1 }));
    const queued = pipeline({ clock }, queue);
    const answer = deferred();
    const [first, second] = [watched(queued.execute(() => answer.promise)), watched(queued.execute(item))];
    answer.resolve('first');
    await microtasks();
    expect([first.value, second.value, queue.get('')!.running]).toEqual(['first', 'item', 0]);

    const timeouts = keyed((key) => timeout({ timeoutMs: key === 'slow' ? 500 : 100 }));
    const limited = pipeline({ clock }, timeouts);
    const remaining: number[] = [];
    const late = watched(
      limited.execute(
        ({ remainingMs }) => {
          remaining.push(remainingMs);
          return never();
        },
        { key: 'slow' },
      ),
    );
    await clock.advance(499);
    expect(late.state).toBe('pending');
    await clock.advance(1);
    expect([(late.error as { code: string }).code, remaining, limited.busy]).toEqual(['TIMEOUT', [500], 1]);

    const retries = pipeline(
      { clock },
      keyed(() => retry({ maxAttempts: 3, backoff: constant(10), jitter: 'none' })),
    );
    const fn = vi.fn(down);
    const again = watched(retries.execute(fn, { key: 'a' }));
    await clock.advance(20);
    expect([again.state, fn.mock.calls.length]).toEqual(['rejected', 3]);

    const around: AroundPolicy = { kind: 'twice', around: async (_context, next) => [await next(), await next()] };
    await expect(pipeline(keyed(() => around)).execute(item)).resolves.toEqual(['item', 'item']);

    const whole = keyed(() => pipeline({ clock }, fallback({ value: 'none' }), breakerOf()));
    await expect(pipeline({ clock }, whole).execute(down)).resolves.toBe('none');
    expect(whole.isBusy).toBe(true);
  });

  it('lets a cooperative timeout of a key, a fallback of a key and hooks that fail have their way', async () => {
    const cooperative = keyed(() => timeout({ timeoutMs: 10, mode: 'cooperative' }));
    const answer = deferred();
    const contexts: ExecutionContext[] = [];
    const call = watched(
      pipeline({ clock }, cooperative).execute((context) => {
        contexts.push(context);
        return answer.promise;
      }),
    );
    await clock.advance(10);
    expect([call.state, contexts[0]!.signal.aborted]).toEqual(['pending', true]);
    answer.resolve('in the end');
    await microtasks();
    expect(call.value).toBe('in the end');

    const made = deferred();
    const substitutes = keyed(() => fallback({ run: (_error, { key }) => made.promise.then((value) => [value, key]) }));
    const replaced = watched(pipeline(substitutes).execute(down, { key: 'k' }));
    await microtasks();
    made.resolve('substitute');
    await microtasks();
    expect(replaced.value).toEqual(['substitute', 'k']);

    const told: unknown[] = [];
    const odd = keyed(() =>
      fallback({
        value: 1,
        handleIf: () => {
          throw new Error('bug');
        },
      }),
    );
    const oddly = pipeline(odd);
    expect(await rejection(oddly.execute(down, { key: 'k' }))).toEqual(new Error('down'));
    oddly.on('hook-failed', ({ key, hook, outcome }) => told.push([key, hook, outcome]));
    await rejection(oddly.execute(down, { key: 'k' }));
    expect(told).toEqual([['k', 'handleIf', 'failure']]);
  });

  it('can be keyed once more inside, by something else', async () => {
    const part = (index: number) => (context: ExecutionContext) => context.key?.split('@')[index];
    const hosts = keyed((tenant) => keyed((host) => bulkhead({ name: `${host} of ${tenant}` }), { key: part(1) }), {
      key: part(0),
    });
    const calls = pipeline({ clock }, hosts);
    for (const key of ['acme@eu', 'acme@us', 'umbrella@eu']) await calls.execute(item, { key });
    const names = [...hosts].map(([tenant, inner]) => [tenant, [...inner].map(([host, { name }]) => [host, name])]);
    expect(names).toEqual([
      [
        'acme',
        [
          ['eu', 'eu of acme'],
          ['us', 'us of acme'],
        ],
      ],
      ['umbrella', [['eu', 'eu of umbrella']]],
    ]);
  });

  it('is part of no synchronous call: the policy of a key may wait', () => {
    expect(() => pipeline(keyed(breakerOf)).executeSync(() => 'item')).toThrow(/keyed/);
  });
});
