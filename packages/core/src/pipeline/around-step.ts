import { type Failure, failure, type Outcome, success } from '../policy/outcome.ts';
import {
  type AnyEventSource,
  type AroundPolicy,
  type Call,
  type Fork,
  type HookPolicy,
  type Scope,
  WAIT,
  type Wait,
} from '../policy/policy.ts';

/** Runs a policy that is written as an async function among policies that are written as hooks. */
export class AroundStep implements HookPolicy {
  readonly kind: string;
  readonly name: string;
  readonly events?: AnyEventSource;
  private readonly policy: AroundPolicy;

  constructor(policy: AroundPolicy) {
    this.kind = policy.kind;
    this.name = policy.name ?? policy.kind;
    if (policy.events !== undefined) this.events = policy.events;
    this.policy = policy;
  }

  enter(call: Call, at: number): Wait {
    const run = new AroundRun(call, at);
    call.slots[at] = run;
    run.start(this.policy);
    return WAIT;
  }

  leave(_call: Call, _at: number, outcome: Outcome): Outcome {
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    (call.slots[at] as AroundRun).cancel(outcome, byCaller);
    call.slots[at] = undefined;
  }
}

/** One call of a policy's `around`, with the inner runs that it started. */
class AroundRun {
  private readonly call: Call;
  private readonly at: number;
  private readonly scope: Scope;
  private readonly inner: Set<Fork> = new Set();

  constructor(call: Call, at: number) {
    this.call = call;
    this.at = at;
    this.scope = call.scope(at);
  }

  start(policy: AroundPolicy): void {
    // Starting in a microtask keeps the promise that completing and cancelling never happen inside the hook itself.
    Promise.resolve()
      .then(() => policy.around(this.scope.context, () => this.next()))
      .then(
        (value) => this.end(success(value)),
        (error: unknown) => this.end(failure(error)),
      );
  }

  cancel(outcome: Failure, byCaller: boolean): void {
    const reason = outcome.error;
    this.scope.abort(reason, byCaller);
    for (const fork of this.inner) fork.cancel(reason);
  }

  private next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const forked: { fork?: Fork } = {};
      const fork = this.call.fork(this.at, (outcome) => {
        if (forked.fork !== undefined) this.inner.delete(forked.fork);
        if (outcome.ok) resolve(outcome.value);
        else reject(outcome.error);
      });
      forked.fork = fork;
      this.inner.add(fork);
    });
  }

  private end(outcome: Outcome): void {
    if (this.call.slots[this.at] !== this) return;
    this.call.slots[this.at] = undefined;
    for (const fork of this.inner) fork.cancel(new DOMException('the policy around this run has ended', 'AbortError'));
    this.call.complete(this.at, outcome);
  }
}
