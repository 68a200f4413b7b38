import { describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

const reason = new Error('the user has left');
const never = (): Promise<string> => new Promise(() => undefined);

describe('a call that is part of another one', () => {
  it('inherits key, priority and what is left of the time', async () => {
    const clock = new VirtualClock();
    const inner = pipeline({ clock });
    const outer = pipeline({ clock }, timeout({ timeoutMs: 2_000 }));
    const seen = await outer.execute(
      (parent) =>
        inner.execute(({ key, priority, remainingMs }) => ({ key, priority, remainingMs }), {
          parent,
          deadlineMs: 5_000,
        }),
      { key: 'sku:1', priority: 'high', deadlineMs: 1_500 },
    );
    expect(seen).toEqual({ key: 'sku:1', priority: 'high', remainingMs: 1_500 });
  });

  it('may say otherwise for itself', async () => {
    const inner = pipeline();
    const seen = await pipeline().execute(
      (parent) => inner.execute(({ key, priority }) => [key, priority], { parent, key: 'own', priority: 'low' }),
      { key: 'sku:1', priority: 'high' },
    );
    expect(seen).toEqual(['own', 'low']);
  });

  it('ends with the abort of the outer caller, which says nothing to its breaker', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const inner = pipeline(breaker);
    const { controller, signal } = countedController();
    const ends: unknown[] = [];
    const call = watched(
      pipeline().execute((parent) => inner.execute(never, { parent }).catch((error: unknown) => ends.push(error)), {
        signal,
      }),
    );
    controller.abort(reason);
    await microtasks();
    expect(call.error).toBe(reason);
    expect(ends).toEqual([reason]);
    expect(breaker.state).toBe('closed');
    expect(inner.busy).toBe(1);
  });

  it('ends with the timeout of the outer call, which is a failure to its breaker', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const inner = pipeline({ clock }, breaker);
    const outer = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const call = watched(outer.execute((parent) => inner.execute(never, { parent })));
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect(breaker.state).toBe('open');
  });

  it('never begins, and leaves no timer, when the outer run had ended before', async () => {
    const clock = new VirtualClock();
    const outer = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const contexts: ExecutionContext[] = [];
    const first = watched(
      outer.execute((context) => {
        contexts.push(context);
        return never();
      }),
    );
    await clock.advance(100);
    expect(first.state).toBe('rejected');
    const fn = vi.fn();
    const error = await rejection(pipeline({ clock }).execute(fn, { parent: contexts[0]!, deadlineMs: 5_000 }));
    expect(error).toBe(first.error);
    expect(fn).not.toHaveBeenCalled();
    expect(clock.pendingTimers).toBe(0);
  });

  it('listens to the signal of a parent that another copy of the library made', async () => {
    const counted = countedController();
    const parent: ExecutionContext = {
      signal: counted.signal,
      attempt: 1,
      pipeline: 'foreign',
      key: 'k',
      priority: 'batch',
      remainingMs: 700,
    };
    const contexts: ExecutionContext[] = [];
    const call = watched(
      pipeline().execute(
        (context) => {
          contexts.push(context);
          return never();
        },
        { parent },
      ),
    );
    expect([contexts[0]!.key, contexts[0]!.priority, contexts[0]!.remainingMs]).toEqual(['k', 'batch', 700]);
    counted.controller.abort(reason);
    await microtasks();
    expect(call.error).toBe(reason);
    expect(counted.listening).toBe(0);
    expect(await rejection(pipeline().execute(never, { parent }))).toBe(reason);
  });

  it('lets go of a foreign parent once it has ended', async () => {
    const counted = countedController();
    const parent = { signal: counted.signal } as ExecutionContext;
    await pipeline().execute(async () => 'item', { parent });
    expect([counted.added, counted.listening]).toEqual([1, 0]);
  });
});

describe('a pipeline as a policy', () => {
  it('counts the runs of the function through the whole call', async () => {
    const attempts: number[] = [];
    const calls = pipeline(pipeline(retry({ backoff: constant(0) })));
    const outcome = await calls.tryExecute(({ attempt }) => {
      attempts.push(attempt);
      return Promise.reject(new Error('down'));
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect(outcome.attempts).toBe(3);
  });

  it('tells the time that its own timeouts leave', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 1_000 }), pipeline({ clock }, timeout({ timeoutMs: 50 })));
    await expect(calls.execute(({ remainingMs }) => remainingMs)).resolves.toBe(50);
  });

  it('aborts the run that its own timeout ended, at that moment, before the next one begins', async () => {
    const clock = new VirtualClock();
    const gate = bulkhead({ maxConcurrent: 1 });
    const inner = pipeline({ clock }, retry({ maxAttempts: 2, backoff: constant(0) }), timeout({ timeoutMs: 100 }));
    const calls = pipeline({ clock }, inner, gate);
    const signals: AbortSignal[] = [];
    const call = watched(
      calls.execute((context) => {
        signals.push(context.signal);
        return never();
      }),
    );
    await clock.advance(100);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    expect(gate.running).toBe(1);
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect(signals[1]!.aborted).toBe(true);
    expect(gate.running).toBe(0);
  });

  it('has nothing left to wait for once its call has ended, whatever the function does', async () => {
    const clock = new VirtualClock();
    const inner = pipeline({ clock }, timeout({ timeoutMs: 100 }));
    const calls = pipeline({ clock }, inner);
    const late = deferred();
    const call = watched(calls.execute(() => late.promise));
    await clock.advance(100);
    expect(call.state).toBe('rejected');
    expect(inner.busy).toBe(0);
    expect(await watchedClose(inner)).toBe(0);
    expect(calls.busy).toBe(1);
    late.resolve('late');
    await microtasks();
    expect(calls.busy).toBe(0);
  });

  it('whose timeout ends a call is a failure to the breaker inside', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const call = watched(pipeline({ clock }, pipeline({ clock }, timeout({ timeoutMs: 100 })), breaker).execute(never));
    await clock.advance(100);
    expect(call.state).toBe('rejected');
    expect(breaker.state).toBe('open');
  });

  it('passes an outer timeout on to the breaker inside as a failure, and a caller’s abort as nothing', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline({ clock }, timeout({ timeoutMs: 100 }), pipeline({ clock }), breaker);
    const { controller, signal } = countedController();
    const aborted = watched(calls.execute(never, { signal }));
    await microtasks();
    controller.abort(reason);
    await microtasks();
    expect(aborted.error).toBe(reason);
    expect(breaker.state).toBe('closed');
    const slow = watched(calls.execute(never));
    await clock.advance(100);
    expect(slow.state).toBe('rejected');
    expect(breaker.state).toBe('open');
  });

  it('has a breaker to which a full bulkhead further in says nothing', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline(pipeline(breaker), bulkhead({ maxConcurrent: 1 }));
    const answer = deferred();
    const first = calls.execute(() => answer.promise);
    await microtasks();
    expect(await rejection(calls.execute(() => 'never'))).toMatchObject({ code: 'BULKHEAD_FULL' });
    expect(breaker.state).toBe('closed');
    answer.resolve('item');
    await first;
    expect(await rejection(calls.execute(() => Promise.reject(new Error('down'))))).toBeInstanceOf(Error);
    expect(breaker.state).toBe('open');
  });

  it('has a breaker to which a timeout says nothing while the call still waits for a permit further in', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 1 });
    const calls = pipeline({ clock }, pipeline({ clock }, breaker, timeout({ timeoutMs: 100 })), gate);
    const release = await gate.acquire();
    const call = watched(calls.execute(() => 'never'));
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    expect(breaker.state).toBe('closed');
    expect(gate.queued).toBe(0);
    release.release();
  });

  it('tells its events to those who listen to the outer one', async () => {
    const heard: string[] = [];
    const calls = pipeline({ name: 'outer' }, pipeline({ name: 'inner' }, retry({ backoff: constant(0) })));
    const stop = calls.on('*', (event) => heard.push(`${event.pipeline} ${event.type}`));
    await rejection(calls.execute(() => Promise.reject(new Error('down'))));
    expect(heard.filter((told) => !told.endsWith('attempt-ended'))).toEqual([
      'inner retry',
      'inner retry',
      'inner retry-given-up',
      'inner call-ended',
      'outer call-ended',
    ]);
    const count = heard.length;
    stop();
    await rejection(calls.execute(() => Promise.reject(new Error('down'))));
    expect(heard).toHaveLength(count);
  });
});

async function watchedClose(calls: { close(): Promise<number> }): Promise<number | undefined> {
  const close = watched(calls.close());
  await microtasks();
  return close.value;
}
