import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { systemClock } from '../clock/system-clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Policy } from '../policy/policy.ts';
import { retry } from '../retry/retry.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline, replacementOf } from './pipeline.ts';

const down = (): Promise<string> => Promise.reject(new Error('down'));
const never = (): Promise<string> => new Promise(() => undefined);

describe('a pipeline', () => {
  it('shows its name and its policies, the outermost first', () => {
    const [outer, inner] = [retry(), bulkhead()];
    const calls = pipeline({ name: 'stock' }, outer, inner);
    expect([calls.kind, calls.name, calls.policies]).toEqual(['pipeline', 'stock', [outer, inner]]);
    expect(pipeline().name).toBe('pipeline');
  });

  it.each([
    ['a policy that is null', [null]],
    ['a policy that is a string', ['retry']],
    ['a policy that is no policy', [{ kind: 'nothing' }]],
  ])('refuses %s', (_what, policies) => {
    expect(() => pipeline({}, ...(policies as never[]))).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
  });

  it('refuses an option that it does not know', () => {
    expect(() => pipeline({ nmae: 'x' } as never)).toThrow(/pipeline.nmae: .* \(did you mean name\?\)/);
  });

  it('gives its clock to policies that have none, and takes that of a policy that has one', () => {
    const clock = new VirtualClock();
    const adopted = retry();
    expect(pipeline({ clock }, adopted).boundClock).toBe(clock);
    expect(adopted.boundClock).toBe(clock);
    expect(pipeline(retry(), retry({ clock })).boundClock).toBe(clock);
    expect(pipeline().boundClock).toBe(systemClock);
  });

  it('refuses policies with another clock, and names each of them', () => {
    const [here, there] = [new VirtualClock(), new VirtualClock()];
    const breaker = circuitBreaker();
    pipeline({ clock: here }, breaker);
    expect(() => pipeline({ clock: there }, breaker, retry({ clock: here, name: 'again' }), bulkhead())).toThrow(
      expect.objectContaining({
        faults: [
          expect.objectContaining({ path: 'pipeline.circuit-breaker.clock' }),
          expect.objectContaining({ path: 'pipeline.again.clock' }),
        ],
      }),
    );
  });

  it('is the only thing whose policies can be replaced', () => {
    expect(() => replacementOf({ kind: 'pipeline', policies: [] }, [])).toThrow(TypeError);
  });

  it('names a policy of another clock by its kind where it has no name', () => {
    const own: Policy = {
      kind: 'own',
      boundClock: new VirtualClock(),
      enter: () => undefined,
      leave: (_call, _at, outcome) => outcome,
      cancel: () => {},
    };
    expect(() => pipeline({ clock: new VirtualClock() }, own)).toThrow(/pipeline.own.clock/);
  });

  it('may share a breaker with another pipeline: what one learns stops the other', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const [reads, writes] = [pipeline({ name: 'reads' }, breaker), pipeline({ name: 'writes' }, retry(), breaker)];
    await rejection(reads.execute(down));
    expect(await rejection(writes.execute(async () => 'item'))).toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  it('refuses, as a configuration error, a call that can not be meant', async () => {
    const calls = pipeline();
    for (const [fn, options] of [
      ['no function', {}],
      [() => 1, { signal: {} }],
      [() => 1, { priority: 'urgent' }],
      [() => 1, { deadlineMs: Number.NaN }],
      [() => 1, { cost: -1 }],
    ]) {
      expect(await rejection(calls.execute(fn as never, options as never))).toMatchObject({ code: 'CONFIGURATION' });
      expect(await calls.tryExecute(fn as never, options as never)).toMatchObject({ error: { code: 'CONFIGURATION' } });
    }
  });
});

describe('close', () => {
  it('takes no new calls and waits for those that run', async () => {
    const calls = pipeline({ name: 'stock' });
    const answer = deferred();
    const running = calls.execute(() => answer.promise);
    const closed = watched(calls.close());
    const error = await rejection(calls.execute(() => 1));
    expect(error).toMatchObject({
      code: 'PIPELINE_CLOSED',
      message: 'the pipeline stock is closed and takes no calls',
    });
    expect(await calls.tryExecute(() => 1)).toMatchObject({ ok: false, error: { code: 'PIPELINE_CLOSED' } });
    expect(closed.state).toBe('pending');
    answer.resolve('item');
    await running;
    await microtasks();
    expect(closed.value).toBe(0);
  });

  it('waits for runs that their calls have left behind', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 10 }));
    const late = deferred();
    const call = watched(calls.execute(() => late.promise));
    await clock.advance(10);
    const closed = watched(calls.close());
    await microtasks();
    expect([call.state, closed.state]).toEqual(['rejected', 'pending']);
    late.reject(new Error('late'));
    await microtasks();
    expect(closed.value).toBe(0);
  });

  it('waits no longer than it is told to, and says how many still ran', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock });
    watched(calls.execute(never));
    const closed = watched(calls.close({ timeoutMs: 100 }));
    await clock.advance(99);
    expect(closed.state).toBe('pending');
    await clock.advance(1);
    expect(closed.value).toBe(1);
  });

  it('leaves no timer when all ended in time, and is at once done when nothing runs', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock });
    const answer = deferred();
    const call = calls.execute(() => answer.promise);
    const closed = watched(calls.close({ timeoutMs: 100 }));
    answer.resolve('item');
    await call;
    await microtasks();
    expect([closed.value, clock.pendingTimers]).toEqual([0, 0]);
    expect(await calls.close()).toBe(0);
    expect(await pipeline().close({ timeoutMs: 5 })).toBe(0);
  });
});
