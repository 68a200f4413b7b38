import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { success } from '../policy/outcome.ts';
import { type Call, type HookPolicy, type Scope, WAIT } from '../policy/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { deferred, microtasks, watched } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { keyed } from './keyed.ts';

/** Keeps what a policy sees of a call as it comes in and as it goes out. */
class Witness implements HookPolicy {
  readonly kind = 'witness';
  readonly interrupts = true;
  readonly seen: unknown[] = [];
  calls: Call[] = [];

  enter(call: Call, at: number): undefined {
    this.calls.push(call);
    this.seen.push(['in', ...facts(call, at)]);
    call.keep(at, call.attempts);
  }

  leave<T>(call: Call, at: number, outcome: T): T {
    this.seen.push(['out', call.kept(at), ...facts(call, at)]);
    return outcome;
  }

  cancel(call: Call, at: number): void {
    this.seen.push(['cancelled', call.kept(at), ...facts(call, at)]);
  }
}

function facts(call: Call, at: number): unknown[] {
  const { attempts, running, options, priorityLevel, pipeline: name, sync, leftBehind } = call;
  const { attempt, key, remainingMs } = call.context;
  const context = [attempt, key, remainingMs];
  return [attempts, running, options, priorityLevel, name, sync, leftBehind?.size, call.remainingMs(at), ...context];
}

describe('a call as the policy of its key sees it', () => {
  it('is the call itself in all but its key', async () => {
    const clock = new VirtualClock();
    const again = retry({ maxAttempts: 3, backoff: constant(10), jitter: 'none' });
    const play = async (witness: Witness, policy: HookPolicy) => {
      const calls = pipeline(
        { clock, name: 'api' },
        timeout({ timeoutMs: 100 }),
        again,
        policy,
        timeout({ timeoutMs: 20 }),
      );
      const hung = deferred();
      const fn = ({ attempt }: { attempt: number }) =>
        attempt === 1 ? hung.promise : Promise.reject(new Error('down'));
      const call = watched(calls.execute(fn, { key: 'sku:1', priority: 'high' }));
      await clock.advance(200);
      expect(call.state).toBe('rejected');
      return witness.calls;
    };
    const [plain, inside] = [new Witness(), new Witness()];
    const plainCalls = await play(plain, plain);
    const keyedCalls = await play(
      inside,
      keyed(() => inside, { key: 'all' }),
    );
    expect(plain.seen).toHaveLength(6);
    expect(inside.seen).toEqual(plain.seen);
    expect([plainCalls[0]!.key, keyedCalls[0]!.key]).toEqual(['sku:1', 'all']);
    // The whole call is the same at each attempt, and not what stands for it here.
    expect(new Set(keyedCalls.map(({ root }) => root)).size).toBe(1);
    expect(keyedCalls).not.toContain(keyedCalls[0]!.root);
  });

  it('runs what is inside again and beside, aborts it, counts for it and waits for it', async () => {
    const ends: unknown[] = [];
    const signals: AbortSignal[] = [];
    let scope: Scope | undefined;
    const conductor: HookPolicy = {
      kind: 'conductor',
      interrupts: true,
      enter: (call, at) => {
        scope = call.scope(at);
        const fork = call.fork(at, (outcome) => ends.push(outcome));
        call.whenIdle(() => ends.push('the run has ended'));
        queueMicrotask(() => {
          ends.push(call.running, call.abortRun('enough'));
          call.cancelForks('enough');
          fork.cancel('enough');
          call.whenIdle(() => ends.push('that was the last'));
          call.whenIdle(() => ends.push('none but that'), call.leftBehind);
          call.countAttempt();
          ends.push(call.attempts);
          call.retractAttempt();
          call.complete(at, success(call.attempts));
        });
        return WAIT;
      },
      leave: (_call, _at, outcome) => outcome,
      cancel: () => undefined,
    };
    const policies = keyed(() => conductor);
    const answer = deferred();
    const call = watched(
      pipeline(policies).execute(({ signal }) => {
        signals.push(signal);
        return answer.promise;
      }),
    );
    await microtasks();
    expect(call.value).toBe(1);
    expect(ends).toEqual([1, true, 'none but that', 2]);
    expect([signals[0]!.reason, scope!.context.signal.aborted, policies.isBusy]).toEqual(['enough', false, false]);
    answer.resolve('late');
    await microtasks();
    expect(ends.slice(-2)).toEqual(['the run has ended', 'that was the last']);
  });
});
