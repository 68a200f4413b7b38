/**
 * What a call is made of, and what it knows of itself: its plan, its place among other calls, how far it has come, what the
 * policies remember of it. `running-call.ts` moves it, `call-record.ts` keeps count of its runs.
 *
 * One object for each call: its parts are classes that extend each other, so that reading a part costs no step more.
 */
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { type Failure, failure, type Outcome } from '../policy/outcome.ts';
import type { Scope } from '../policy/policy.ts';
import { type Priority, priorityLevel } from '../policy/priority.ts';
import { type IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import { Attempt } from './attempt.ts';
import type { InContext } from './call-context.ts';
import type { CallGuard } from './call-guard.ts';
import type { CallTimes } from './call-times.ts';
import type { LeftBehind } from './left-behind.ts';
import type { Plan } from './plan.ts';

/** What a call runs. */
export type UserFunction = (context: ExecutionContext) => unknown;

/** Where a run of the inner steps, started by a step of `parent`, belongs; a link of its parent's list of them. */
export class Origin extends ListNode {
  readonly parent: CallFrame;
  /** The position of the first step that is part of it. */
  readonly first: number;
  readonly done: (outcome: Outcome) => void;
  /** The context that limits it besides, where another pipeline asked for it. */
  readonly within: ExecutionContext | undefined;
  /** The call that it is the origin of. */
  fork!: CallFrame;
  /** Whether nobody wants its outcome any more. */
  abandoned = false;
  /** The number of the last run that began in it. */
  lastAttempt = 0;

  constructor(
    parent: CallFrame,
    first: number,
    done: (outcome: Outcome) => void,
    within: ExecutionContext | undefined,
  ) {
    super();
    this.parent = parent;
    this.first = first;
    this.done = done;
    this.within = within;
  }
}

/** What wants to end a call, or a part of it, from outside of its walk. */
export interface Interruption {
  readonly at: number;
  readonly outcome: Failure;
  readonly byCaller: boolean;
}

/** What few calls need. */
export class Rare {
  guard: CallGuard | undefined = undefined;
  interruption: Interruption | undefined = undefined;
  /** Those of its forks included. */
  leftBehind: LeftBehind | undefined = undefined;
  forks: IntrusiveList<Origin> | undefined = undefined;
  /** Only where somebody listens; a fork has those of its call. */
  times: CallTimes | undefined = undefined;
  /** Only where somebody keeps contexts; a fork has that of its call. */
  inContext: InContext | undefined = undefined;
  /** Whether somebody watches its runs. */
  watched = false;
  sync = false;
}

/** See the head of this file. */
export abstract class CallFrame {
  readonly plan: Plan;
  readonly options: CallOptions | undefined;
  attempts = 0;
  running = 0;
  readonly function: UserFunction;
  readonly origin: Origin | undefined;
  outcome: Outcome | undefined = undefined;
  rare: Rare | undefined = undefined;
  /** The innermost step that the call has entered and not left. */
  protected position: number;
  /** The run whose result the call is waiting for. */
  protected current: Attempt | undefined = undefined;
  /** What the steps remember, by position; made when one has something to remember. */
  private memory: unknown[] | undefined = undefined;

  constructor(plan: Plan, fn: UserFunction, options: CallOptions | undefined, origin: Origin | undefined) {
    this.plan = plan;
    this.options = options;
    this.function = fn;
    this.origin = origin;
    this.position = origin === undefined ? -1 : origin.first - 1;
  }

  /** The caller's abort, the deadline, or the end of the call that this one is part of. */
  abstract endFromOutside(outcome: Failure, byCaller: boolean): void;
  abstract abortRun(reason: unknown): boolean;
  abstract retractAttempt(): void;
  abstract remainingMs(at: number): number;
  abstract isOver(at: number): boolean;
  /** All runs that have not ended, those of its forks included. */
  abstract goingOn(): Iterable<Attempt>;
  /** Tells those who wait for the end of this run, here and in the calls that this is a fork of. */
  abstract tellStopped(run: Attempt): void;
  abstract hookFailed(policy: string, hook: string, error: unknown): void;

  get rarely(): Rare {
    return (this.rare ??= new Rare());
  }

  // --- its place ---

  /** The position of the first step that is this call's own. */
  protected get first(): number {
    return this.origin === undefined ? 0 : this.origin.first;
  }

  /** The call that this is, or is a fork of. */
  get root(): CallFrame {
    return this.origin === undefined ? this : this.origin.parent.root;
  }

  get ended(): boolean {
    return this.outcome !== undefined;
  }

  /** Whether this call, or one that it is a fork of, will end as soon as its walk has come to rest. */
  get isEnding(): boolean {
    if (this.rare !== undefined && this.rare.interruption !== undefined) return true;
    return this.origin !== undefined && (this.origin.abandoned || this.origin.parent.isEnding);
  }

  // --- what it tells policies and runs ---

  get key(): string | undefined {
    return this.options?.key ?? this.options?.parent?.key;
  }

  get priority(): Priority {
    return this.options?.priority ?? this.options?.parent?.priority ?? 'normal';
  }

  get priorityLevel(): number {
    return priorityLevel(this.priority);
  }

  get pipeline(): string | undefined {
    return this.plan.name;
  }

  get sync(): boolean {
    return this.rare !== undefined && this.rare.sync;
  }

  /** Before a run there is none: then it is that of the step which asks, limited by those outside it. */
  get context(): ExecutionContext {
    return this.current ?? new Attempt(this, this.position, this.root.attempts + 1);
  }

  scope(at: number): Scope {
    const scope = new Attempt(this, at, this.root.attempts + 1);
    return { context: scope, abort: (reason, byCaller) => scope.abort(reason, byCaller) };
  }

  // --- what the policies remember ---

  keep(at: number, state: unknown): void {
    if (this.memory === undefined) {
      if (state === undefined) return;
      this.memory = new Array<unknown>(this.plan.steps.length);
    }
    this.memory[at] = state;
  }

  kept(at: number): unknown {
    return this.memory === undefined ? undefined : this.memory[at];
  }

  /** What the policy at `at` remembers of this call, or of the one that this is a fork of when it stands further out. */
  keptInCall(at: number): unknown {
    let call: CallFrame = this;
    while (call.origin !== undefined && at < call.origin.first) call = call.origin.parent;
    return call.kept(at);
  }

  // --- its end from outside ---

  /** Ends the call that this is, or is a fork of. */
  endCall(reason: unknown): void {
    this.root.endFromOutside(failure(reason), true);
  }

  /** Ends a fork whose outcome nobody wants. */
  cancel(reason: unknown, byCaller = true): void {
    if (this.origin !== undefined) this.origin.abandoned = true;
    this.endFromOutside(failure(reason), byCaller);
  }

  cancelForks(reason: unknown, byCaller = true): void {
    const origins = [...(this.rare?.forks ?? [])];
    // First none is wanted any more: what the first gives back must not set another one going.
    for (const origin of origins) origin.abandoned = true;
    for (const { fork } of origins) fork.cancel(reason, byCaller);
  }
}
