import type { ExecutionContext } from '../policy/context.ts';
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
import { type AbortLink, Attempt } from './attempt.ts';
import { ranOutOfTime } from './call-guard.ts';

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
    call.keep(at, run);
    run.start(this.policy);
    return WAIT;
  }

  leave(_call: Call, _at: number, outcome: Outcome): Outcome {
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void {
    const run = call.kept(at) as AroundRun;
    call.keep(at, undefined);
    run.cancel(outcome.error, byCaller);
  }
}

/** One call of a policy's `around`, with the inner runs that it started. */
class AroundRun {
  private readonly call: Call;
  private readonly at: number;
  private readonly scope: Scope;
  private readonly inner: Set<InnerRun> = new Set();
  /** Why nothing may run inside any more; only once it has ended. */
  private reason: unknown = undefined;
  private hasRun = false;

  constructor(call: Call, at: number) {
    this.call = call;
    this.at = at;
    this.scope = call.scope(at);
  }

  start(policy: AroundPolicy): void {
    // Starting in a microtask keeps the promise that completing and cancelling never happen inside the hook itself.
    Promise.resolve()
      .then(() => policy.around(this.scope.context, (within) => this.next(within)))
      .then(
        (value) => this.end(success(value)),
        (error: unknown) => this.end(failure(error)),
      );
  }

  cancel(reason: unknown, byCaller: boolean): void {
    this.reason = reason;
    this.scope.abort(reason, byCaller);
    for (const run of this.inner) run.onAbort(reason, byCaller);
  }

  private get hasEnded(): boolean {
    return this.call.kept(this.at) !== this;
  }

  private next(within: ExecutionContext | undefined): Promise<unknown> {
    // A first run begins in time, if at all. After a cooperative timeout has fired nobody would end another.
    const late = this.hasRun && !(this.call.remainingMs(this.at) > 0);
    this.hasRun = true;
    const promise = new Promise((resolve, reject) => {
      if (this.hasEnded) reject(this.reason);
      else if (late) reject(new DOMException('no time is left for another run', 'TimeoutError'));
      else new InnerRun(this.inner, within, resolve, reject).start(this.call, this.at);
    });
    // Who does not wait for what is inside need not hear that it was cancelled.
    promise.catch(() => undefined);
    return promise;
  }

  private end(outcome: Outcome): void {
    if (this.hasEnded) return;
    this.call.keep(this.at, undefined);
    this.reason = outcome.ok ? new DOMException('the policy around this run has ended', 'AbortError') : outcome.error;
    for (const run of this.inner) run.onAbort(this.reason, !ranOutOfTime(this.reason));
    this.call.complete(this.at, outcome);
  }
}

/** One run of what is inside, until it has ended or nobody wants it any more. */
class InnerRun implements AbortLink {
  private readonly siblings: Set<InnerRun>;
  private readonly within: Attempt | undefined;
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: unknown) => void;
  private fork: Fork | undefined = undefined;

  constructor(
    siblings: Set<InnerRun>,
    within: ExecutionContext | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.siblings = siblings;
    this.within = within instanceof Attempt ? within : undefined;
    this.resolve = resolve;
    this.reject = reject;
  }

  start(call: Call, at: number): void {
    this.siblings.add(this);
    this.within?.link(this);
    if (this.siblings.has(this)) this.fork = call.fork(at, (outcome) => this.done(outcome), this.within);
    // Whoever cancelled this run while it was being started did not find it yet.
    if (!this.siblings.has(this)) this.fork?.cancel(undefined);
  }

  /** The policy around it has ended, was cancelled, or lets go of this run alone. */
  onAbort(reason: unknown, byCaller: boolean): void {
    this.leave();
    this.fork?.cancel(reason, byCaller);
    this.retractUnlessStarted(this.fork?.attempts ?? 0);
    this.reject(reason);
  }

  private done(outcome: Outcome): void {
    this.leave();
    if (outcome.ok) return this.resolve(outcome.value);
    this.retractUnlessStarted(outcome.attempts);
    this.reject(outcome.error);
  }

  private leave(): void {
    this.siblings.delete(this);
    this.within?.unlink(this);
  }

  /** A call of another pipeline that only reached a refusal in here has not reached the upstream either. */
  private retractUnlessStarted(attempts: number): void {
    if (attempts === 0) this.within?.retract();
  }
}
