/** Runs that a policy starts beside each other: `fork`, `cancelForks`, `whenIdle` and `root` of a call. */
import { describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { type Outcome, success } from '../policy/outcome.ts';
import { AGAIN, type Call, type Fork, type HookPolicy, WAIT } from '../policy/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

const reason = new Error('the user has left');
const lost = new Error('another was faster');
const never = (): Promise<string> => new Promise(() => undefined);

/** A policy that starts runs at once and leaves it to the test what to do with them. */
function forking(runs: number) {
  const forks: Fork[] = [];
  const ended: Outcome[] = [];
  const calls: Call[] = [];
  const policy: HookPolicy = {
    kind: 'forking',
    enter: (call, at) => {
      calls.push(call);
      for (let run = 0; run < runs; run++) forks.push(call.fork(at, (outcome) => ended.push(outcome)));
      return WAIT;
    },
    leave: (_call, _at, outcome) => outcome,
    cancel: (call, _at, outcome, byCaller) => call.cancelForks(outcome.error, byCaller),
  };
  return { policy, forks, ended, calls };
}

describe('a fork', () => {
  it('is a run with its own number, of which the whole call keeps the count', async () => {
    const { policy, forks, ended, calls } = forking(2);
    const attempts: number[] = [];
    const call = watched(
      pipeline(policy, retry({ backoff: constant(0) })).tryExecute(async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('down');
        return attempt;
      }),
    );
    await microtasks();
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(forks.map((fork) => fork.attempts)).toEqual([2, 2]);
    expect(calls[0]!.attempts).toBe(4);
    calls[0]!.complete(0, ended[0]!);
    await microtasks();
    expect(call.value).toMatchObject({ ok: true, attempts: 4 });
  });

  it('belongs to the call that its caller began, also as the fork of a fork', async () => {
    const roots: object[] = [];
    const noting: HookPolicy = {
      kind: 'noting',
      enter: (call) => void roots.push(call.root),
      leave: (_call, _at, outcome) => outcome,
      cancel: () => undefined,
    };
    const [outer, inner] = [forking(2), forking(1)];
    watched(pipeline(noting, outer.policy, inner.policy, noting).execute(never));
    await microtasks();
    expect(roots).toHaveLength(3);
    expect(new Set(roots)).toEqual(new Set([outer.calls[0]]));
    expect(inner.calls.every((call) => call !== call.root)).toBe(true);
  });

  it('that is cancelled has its run aborted, and is not told how it ended', async () => {
    const { policy, forks, ended } = forking(2);
    const contexts: ExecutionContext[] = [];
    watched(pipeline(policy).execute((context) => (contexts.push(context), never())));
    forks[0]!.cancel(lost);
    await microtasks();
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(contexts[0]!.signal.reason).toBe(lost);
    expect(ended).toEqual([]);
  });
});

describe('cancelling all forks', () => {
  it('aborts each of them, and lets go of what they hold', async () => {
    const { policy, calls, ended } = forking(3);
    const gate = bulkhead();
    const contexts: ExecutionContext[] = [];
    watched(pipeline(policy, gate).execute((context) => (contexts.push(context), never())));
    expect(gate.running).toBe(3);
    calls[0]!.cancelForks(lost);
    expect(contexts.map(({ signal }) => signal.reason)).toEqual([lost, lost, lost]);
    expect([gate.running, ended]).toEqual([0, []]);
  });

  it('is harmless where there is none, or none any more', async () => {
    const { policy, calls, ended } = forking(1);
    watched(pipeline(policy).execute(async () => 'item'));
    await microtasks();
    calls[0]!.cancelForks(lost);
    calls[0]!.cancelForks(lost);
    expect(ended).toHaveLength(1);
    const idle = forking(0);
    watched(pipeline(idle.policy).execute(never));
    expect(() => idle.calls[0]!.cancelForks(lost)).not.toThrow();
  });

  it('starts the function of none that waits for what another lets go of', async () => {
    const { policy, calls } = forking(3);
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 5 });
    const fn = vi.fn(never);
    watched(pipeline(policy, gate).execute(fn));
    expect([gate.running, gate.queued]).toEqual([1, 2]);
    calls[0]!.cancelForks(lost);
    expect([gate.running, gate.queued]).toEqual([0, 0]);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('happens with the abort of the caller, and starts no function then either', async () => {
    const { policy } = forking(3);
    const gate = bulkhead({ maxConcurrent: 1, maxQueue: 5 });
    const fn = vi.fn(never);
    const controller = new AbortController();
    const call = watched(pipeline(policy, gate).execute(fn, { signal: controller.signal }));
    controller.abort(reason);
    await microtasks();
    expect([call.error, gate.running, gate.queued, fn.mock.calls.length]).toEqual([reason, 0, 0, 1]);
  });

  it('tells the policies inside whether time ran out or the caller has left', async () => {
    const told: boolean[] = [];
    const noting: HookPolicy = {
      kind: 'noting',
      enter: () => undefined,
      leave: (_call, _at, outcome) => outcome,
      cancel: (_call, _at, _outcome, byCaller) => void told.push(byCaller),
    };
    const clock = new VirtualClock();
    watched(pipeline({ clock }, timeout({ timeoutMs: 10 }), forking(1).policy, noting).execute(never));
    await clock.advance(10);
    const { policy, calls } = forking(1);
    watched(pipeline(policy, noting).execute(never));
    calls[0]!.cancelForks(lost);
    expect(told).toEqual([false, true]);
  });
});

describe('a fork of a call that is about to end', () => {
  it('starts no function: the one before has aborted its caller', async () => {
    const { policy } = forking(3);
    const controller = new AbortController();
    const fn = vi.fn(() => {
      controller.abort(reason);
      return never();
    });
    const gate = bulkhead();
    const calls = pipeline(policy, gate);
    expect(await rejection(calls.execute(fn, { signal: controller.signal }))).toBe(reason);
    expect([fn.mock.calls.length, gate.running]).toEqual([1, 0]);
  });

  it('makes no other attempt after one that has aborted its caller', async () => {
    const { policy } = forking(1);
    const controller = new AbortController();
    const fn = vi.fn(() => {
      controller.abort(reason);
      throw new Error('down');
    });
    const calls = pipeline(policy, retry({ backoff: constant(0) }));
    expect(await rejection(calls.execute(fn, { signal: controller.signal }))).toBe(reason);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(calls.busy).toBe(0);
  });

  it('starts no function when it is cancelled while it is being started', async () => {
    const fn = vi.fn(never);
    const { policy, calls } = forking(1);
    const cancelling: HookPolicy = {
      kind: 'cancelling',
      enter: () => calls[0]!.cancelForks(lost) as undefined,
      leave: (_call, _at, outcome) => outcome,
      cancel: () => undefined,
    };
    watched(pipeline(policy, cancelling).execute(fn));
    await microtasks();
    expect(fn).not.toHaveBeenCalled();
  });
});

describe('waiting for the end of all runs', () => {
  it('calls back at once where there is none, and otherwise when the last has ended, forks included', async () => {
    const { policy, calls } = forking(2);
    const answers = [deferred(), deferred()];
    const told: string[] = [];
    const pipe = pipeline(policy);
    const call = watched(pipe.execute(({ attempt }) => answers[attempt - 1]!.promise));
    calls[0]!.whenIdle(() => told.push('first'));
    calls[0]!.whenIdle(() => told.push('second'));
    calls[0]!.complete(0, success('done'));
    await microtasks();
    expect([call.value, told, pipe.busy]).toEqual(['done', [], 2]);
    answers[0]!.resolve('a');
    await microtasks();
    expect(told).toEqual([]);
    answers[1]!.reject(new Error('b'));
    await microtasks();
    expect([told, pipe.busy]).toEqual([['first', 'second'], 0]);
    calls[0]!.whenIdle(() => told.push('at once'));
    expect(told.at(-1)).toBe('at once');
  });
});

it('an outcome may come out to a policy again, that had waited, by going on from the place inside it', async () => {
  const seen: number[] = [];
  const twice: HookPolicy = {
    kind: 'twice',
    enter: () => undefined,
    leave: (call, at, outcome) => {
      seen.push(call.attempts);
      if (seen.length === 2) return AGAIN;
      if (seen.length > 2) return outcome;
      queueMicrotask(() => call.complete(at + 1, outcome));
      return WAIT;
    },
    cancel: () => undefined,
  };
  await expect(pipeline(twice).execute(() => 'item')).resolves.toBe('item');
  expect(seen).toEqual([1, 1, 2]);
});
