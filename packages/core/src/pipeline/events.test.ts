import { describe, expect, it, vi } from 'vitest';
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { onlyOutcome } from '../events/only-outcome.ts';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { AroundPolicy } from '../policy/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { deferred, microtasks, rejection, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

const down = (): Promise<string> => Promise.reject(new Error('down'));

describe('the events of a pipeline', () => {
  it('tell how each call ended, with what it took', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock, name: 'stock' }, retry({ backoff: constant(100), jitter: 'none', maxAttempts: 2 }));
    const seen: unknown[] = [];
    const stop = calls.on('call-ended', ({ type: _type, timestamp: _timestamp, ...rest }) => seen.push(rest));
    watched(calls.execute(down, { key: 'k' }));
    await clock.runAll();
    await calls.execute(() => 'item');
    stop();
    await calls.execute(() => 'unheard');
    const same = { pipeline: 'stock', policy: undefined };
    expect(seen).toEqual([
      { ...same, key: 'k', outcome: 'failure', attempt: 2, attempts: 2, durationMs: 100, error: new Error('down') },
      { ...same, key: undefined, outcome: 'success', attempt: 1, attempts: 1, durationMs: 0 },
    ]);
  });

  it('are not even made of calls that succeed where only failures are heard, which still say how long they took', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, retry({ backoff: constant(100), jitter: 'none', maxAttempts: 2 }));
    const told: unknown[] = [];
    calls.on(
      'call-ended',
      onlyOutcome('failure', ({ type, durationMs }) => told.push([type, durationMs])),
    );
    calls.on(
      'attempt-ended',
      onlyOutcome('failure', ({ attempt, durationMs }) => told.push([attempt, durationMs])),
    );
    const madeEvents = vi.spyOn(clock, 'wallTime');
    expect(await calls.execute(() => 'item')).toBe('item');
    expect(madeEvents).not.toHaveBeenCalled();
    const failing = watched(
      calls.execute(() => new Promise((_, reject) => void clock.setTimer(7, () => reject(down)))),
    );
    await clock.runAll();
    expect(failing.state).toBe('rejected');
    expect(told).toEqual([
      [1, 7],
      [2, 7],
      ['call-ended', 114],
    ]);
  });

  it('tell nothing false of a call that had begun before anybody listened', async () => {
    const clock = new VirtualClock({ startMs: 5_000_000 });
    const calls = pipeline({ clock });
    const answer = deferred();
    const call = calls.execute(() => answer.promise);
    const ended = vi.fn();
    calls.on('call-ended', ended);
    answer.resolve('item');
    await call;
    expect(ended).not.toHaveBeenCalled();
  });

  it('tell a late result, which changes nothing', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 10 }));
    const late: unknown[] = [];
    calls.on('late-result', ({ attempt, durationMs, outcome, value, error }) =>
      late.push({ attempt, durationMs, outcome, value, error }),
    );
    const answers = [deferred(), deferred()];
    const ends = answers.map(({ promise }) => watched(calls.execute(() => promise)));
    await clock.advance(25);
    answers[0]!.resolve('late');
    answers[1]!.reject(new Error('late'));
    await microtasks();
    const same = { attempt: 1, durationMs: 25, value: undefined, error: undefined };
    expect(late).toEqual([
      { ...same, outcome: 'success', value: 'late' },
      { ...same, outcome: 'failure', error: new Error('late') },
    ]);
    expect(ends.map(({ state, settled }) => [state, settled])).toEqual([
      ['rejected', 1],
      ['rejected', 1],
    ]);
  });

  it('tell how each attempt ended and how long the function took, before any policy acts on it', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, retry({ backoff: constant(100), jitter: 'none', maxAttempts: 2 }));
    const seen: unknown[] = [];
    calls.on('*', ({ type, attempt, outcome, durationMs }) => seen.push([type, attempt, outcome, durationMs]));
    const call = calls.execute(async ({ attempt }) => {
      await new Promise<void>((resolve) => void clock.setTimer(attempt * 7, resolve));
      if (attempt === 1) throw new Error('down');
      return 'item';
    });
    await clock.runAll();
    await call;
    expect(seen).toEqual([
      ['attempt-ended', 1, 'failure', 7],
      ['retry', 1, 'failure', undefined],
      ['attempt-ended', 2, 'success', 14],
      ['call-ended', 2, 'success', 121],
    ]);
  });

  it('tell the error of an attempt that failed, and nothing of what one answered', async () => {
    const calls = pipeline();
    const seen: object[] = [];
    calls.on('attempt-ended', (event) => seen.push(event));
    await rejection(calls.execute(down));
    calls.executeSync(() => 'secret');
    expect(seen).toMatchObject([{ outcome: 'failure', error: new Error('down') }, { outcome: 'success' }]);
    expect(Object.keys(seen[1]!)).not.toContain('value');
  });

  it('tell no attempt as ended that began before anybody listened, and a late one without its duration', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, timeout({ timeoutMs: 10 }));
    const answers = [deferred(), deferred()];
    const first = calls.execute(() => answers[0]!.promise);
    const second = watched(calls.execute(() => answers[1]!.promise));
    const seen: unknown[] = [];
    calls.on('*', ({ type, durationMs }) => seen.push([type, durationMs]));
    answers[0]!.resolve('item');
    await first;
    await clock.advance(10);
    answers[1]!.resolve('late');
    await microtasks();
    expect(second.state).toBe('rejected');
    expect(seen).toEqual([
      ['timeout', 10],
      ['late-result', undefined],
    ]);
  });

  it('may be used to abort the call from the end of an attempt: no other one begins', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const calls = pipeline({ clock }, retry({ backoff: constant(0) }));
    calls.on('attempt-ended', () => controller.abort('enough'));
    const fn = vi.fn(down);
    expect(await rejection(calls.execute(fn, { signal: controller.signal }))).toBe('enough');
    expect(fn).toHaveBeenCalledTimes(1);
  });

  it('say which attempt they are about: 0 before the first, also in runs that a policy started beside each other', async () => {
    const both: AroundPolicy = {
      kind: 'both',
      around: async (_context, next) => [await next(), await next()],
    };
    const calls = pipeline({ name: 'calls' }, both, retry({ backoff: constant(0), maxAttempts: 2 }));
    const seen: unknown[] = [];
    calls.on('*', ({ type, attempt }) => seen.push(`${type} ${attempt}`));
    await calls.execute(({ attempt }) => (attempt % 2 === 1 ? down() : 'item'));
    const gate = pipeline(bulkhead({ maxConcurrent: 1 }));
    gate.on('*', ({ type, attempt }) => seen.push(`${type} ${attempt}`));
    await gate.execute(() => gate.tryExecute(() => 1));
    expect(seen).toEqual([
      'attempt-ended 1',
      'retry 1',
      'attempt-ended 2',
      'attempt-ended 3',
      'retry 1',
      'attempt-ended 4',
      'call-ended 4',
      'bulkhead-rejected 0',
      'call-ended 0',
      'attempt-ended 1',
      'call-ended 1',
    ]);
  });

  it('tell of a listener that throws, and the call goes its way', async () => {
    const calls = pipeline();
    calls.on('call-ended', () => {
      throw new TypeError('bug');
    });
    const failed = vi.fn();
    calls.on('hook-failed', failed);
    await expect(calls.execute(() => 'item')).resolves.toBe('item');
    expect(failed).toHaveBeenCalledWith(
      expect.objectContaining({ hook: 'listener of call-ended', error: new TypeError('bug') }),
    );
  });

  it('tell an event once where one policy stands in the row twice', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) });
    const calls = pipeline(breaker, retry({ maxAttempts: 1 }), breaker);
    const opened = vi.fn();
    calls.on('circuit-opened', opened);
    await rejection(calls.execute(down));
    expect(opened).toHaveBeenCalledTimes(1);
  });
});
