/**
 * The contract of a policy.
 *
 * A pipeline keeps its policies in a row, the outermost first. A call walks inward through `enter` of each, runs the
 * user's function, and walks outward through `leave`; both are plain synchronous hooks, so that a call on the straight
 * path touches no promise but the function's own. A policy that must wait says WAIT and continues the call later. A
 * policy keeps what it knows about one call in its own place in the call: `keep` and `kept`.
 *
 * ```text
 *            enter →          enter →
 *   caller            retry            timeout           user's function
 *            ← leave          ← leave  (or cancel, when something further out ended the call)
 * ```
 *
 * Whoever entered a call is told once how it left: by `leave` when the outcome passes, by `cancel` when the call was
 * ended from outside. `leave` may send the call inward again, and is then told again.
 */
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import type { EventMap } from '../events/event.ts';
import type { CallWatcher } from './call-watcher.ts';
import type { ExecutionContext, CallOptions } from './context.ts';
import type { Failure, Outcome } from './outcome.ts';

/** The type of {@link WAIT}. */
export interface Wait {
  readonly answer: 'wait';
}

/** The type of {@link AGAIN}. */
export interface Again {
  readonly answer: 'again';
}

/** A hook's answer: the policy has taken the call over and will call `resume` or `complete`, after the hook returned. */
export const WAIT: Wait = Object.freeze({ answer: 'wait' });
/** The answer of `leave`: go inward again, at once. */
export const AGAIN: Again = Object.freeze({ answer: 'again' });

/** What hooks see of a running call. */
export interface Call {
  /** How many times the user's function has been started in this call. */
  readonly attempts: number;
  /** The number of the run that goes on, or of the last that began, as events tell it; 0 before the first. */
  readonly lastAttempt: number;
  /** How many runs of the function have not ended, those included that the call no longer waits for. */
  readonly running: number;
  /** What the caller said about the call. */
  readonly options: CallOptions | undefined;
  /** The key of the call, its own or inherited. */
  readonly key: string | undefined;
  /** The level of its priority, 0 (critical) to 4 (batch). */
  readonly priorityLevel: number;
  /** The name of the pipeline. */
  readonly pipeline: string | undefined;
  /** True for a call of `executeSync`: it has no time to wait for anything. */
  readonly sync: boolean;
  /** The context of the current run of the function, made where there is none yet. */
  readonly context: ExecutionContext;
  /** The whole call: what the caller began. Itself, except in a run that was started by {@link Call.fork}. */
  readonly root: object;

  /** Remembers what the policy at `at` has to know of this call; undefined to forget it. */
  keep(at: number, state: unknown): void;
  /** What the policy at `at` remembers of this call; undefined where it never said anything. */
  kept(at: number): unknown;
  /** How many milliseconds the deadline and the policies outside `at` leave; Infinity when none limits the time. */
  remainingMs(at: number): number;
  /**
   * Whether the call is about to be ended further out than `at`, and only has not been told yet: its signal is aborted, or
   * its time is up. Ask before a call that has waited is given what another one could use.
   */
  isOver(at: number): boolean;
  /** Goes on inward from the policy at `at`, which had answered WAIT. */
  resume(at: number): void;
  /**
   * Goes on outward from the policy at `at`, which had answered WAIT, with this outcome. With `at + 1` the outcome comes
   * out to `leave` of the policy itself once more.
   */
  complete(at: number, outcome: Outcome): void;
  /**
   * Ends all that happens inside `at` (each policy there is told by `cancel`) and goes on outward with `outcome`. Only
   * for a policy that says `interrupts`.
   */
  interrupt(at: number, outcome: Failure): void;
  /**
   * Counts a run of the function that the policy stands in for, such as one that plays an upstream's failure: the
   * policies outside it see a call that reached the upstream.
   */
  countAttempt(): void;
  /** Takes back what {@link Call.countAttempt} counted. */
  retractAttempt(): void;
  /**
   * Aborts the signal of the current run of the function, or of those of its forks, and goes on waiting for it; false when
   * there is none. A fork without a run, beside one that has one, fails with `reason`.
   */
  abortRun(reason: unknown): boolean;
  /** A context of its own for a function that the policy at `at` calls, such as a fallback. */
  scope(at: number): Scope;
  /**
   * Runs what is inside `at` once more, beside what already runs there; `done` is told how it ended.
   *
   * @param within A context whose time limits this run besides, such as that of a call of another pipeline.
   */
  fork(at: number, done: (outcome: Outcome) => void, within?: ExecutionContext): Fork;
  /**
   * Ends all forks of this call that have not ended; of none of them `done` is called, and none starts the function
   * once more because another one lets go of a permit.
   *
   * @param byCaller As for {@link Fork.cancel}.
   */
  cancelForks(reason: unknown, byCaller?: boolean): void;
  /** The runs of the function that go on although the call no longer waits for them; undefined when there are none. */
  readonly leftBehind: ReadonlySet<unknown> | undefined;
  /**
   * Calls `callback` when no run of the function goes on of those that go on now, left behind or not: at once when there
   * is none.
   *
   * @param except Runs that don't count: what {@link Call.leftBehind} was before.
   */
  whenIdle(callback: () => void, except?: ReadonlySet<unknown>): void;

  /** Whether somebody listens to this type of event; ask before making one. */
  wants(type: string): boolean;
  /** Tells an event of the policy named `policy`. */
  emit(policy: string | undefined, type: string, details: object): void;
  /** Tells that a function of the user's, named `hook`, threw. */
  hookFailed(policy: string, hook: string, error: unknown): void;
}

/** A context that its policy can abort. */
export interface Scope {
  readonly context: ExecutionContext;
  abort(reason: unknown, byCaller: boolean): void;
}

/** A run of the inner policies that was started by {@link Call.fork}. */
export interface Fork {
  /** How many times the user's function has been started in it. */
  readonly attempts: number;
  /**
   * Ends it; its `done` is not called.
   *
   * @param byCaller False when time ran out, which is a failure to the policies inside; default true: neutral.
   */
  cancel(reason: unknown, byCaller?: boolean): void;
}

/** The hooks of a policy; see the head of this file. */
export interface PolicyHooks {
  /** A call comes in. Nothing: go on inward. An outcome: it goes no further, and `leave` is not called. */
  enter(call: Call, at: number): Outcome | Wait | undefined;
  /** An outcome comes out: pass it on or another one, wait, or go again. */
  leave(call: Call, at: number, outcome: Outcome): Outcome | Wait | Again;
  /**
   * The call was ended further out while it was here or inside. Let go of what is held for it.
   *
   * @param outcome What the call was ended with.
   * @param byCaller True when the caller has aborted, or the run lost a hedge: nothing is to be learnt about the
   *   upstream. False when time ran out.
   */
  cancel(call: Call, at: number, outcome: Failure, byCaller: boolean): void;
  /** How many milliseconds this policy leaves the call, where it limits them. */
  remainingMs?(call: Call, at: number): number;
  /** Whether this policy is about to end the call because its time is up. */
  isDue?(call: Call, at: number): boolean;
}

/** A source of events of whatever types; what they are stands in `'~types'`. */
export interface AnyEventSource {
  on(type: never, listener: never): () => void;
}

/** What policies and pipelines have in common. */
export interface PolicyIdentity<Events extends EventMap, Adds> {
  /** What it is: `retry`. */
  readonly kind: string;
  /** Its name in events and errors; default: its kind. */
  readonly name?: string;
  /** What it was made with, defaults filled in: for whoever looks at a pipeline, such as lint and status pages. */
  readonly options?: object;
  /** Events of the policy's own state, told whoever caused them. */
  readonly events?: AnyEventSource | undefined;
  /** The clock that it is bound to, when it is. */
  readonly boundClock?: Clock | undefined;
  /**
   * Whether it holds what must not be forgotten at present: a permit, somebody who waits, an open circuit. A keyed policy
   * keeps such a policy, however many other keys come; default false.
   */
  readonly isBusy?: boolean;
  /** Takes the pipeline's clock and random numbers where it was given none of its own. */
  adopt?(clock: Clock, random: Random): void;
  /**
   * A pipeline that has adopted it is closed. With the last of them a policy lets go of what it does between calls, such
   * as asking an upstream for its health.
   */
  dismiss?(): void;
  /** For the compiler only: its events, and what it can add to the results of a call. */
  readonly '~types'?: { readonly events: Events; readonly adds: Adds } | undefined;
}

/** A policy by hooks: what the policies of this library are. */
export interface HookPolicy<Events extends EventMap = EventMap, Adds = unknown>
  extends PolicyHooks, PolicyIdentity<Events, Adds> {
  /** True when it may end a call while the user's function runs. */
  readonly interrupts?: boolean;
  /**
   * False when its hooks never answer WAIT in a call that is {@link Call.sync}. Only a policy that says so, and that
   * does not interrupt, can be part of such a call; default true.
   */
  readonly waits?: boolean;
  /** Sees the runs and the events of the calls that the policy keeps something of, where it stands in the pipeline itself. */
  readonly watcher?: CallWatcher | undefined;
}

/** A policy as an async function around the rest: short to write, one more promise hop per call. */
export interface AroundPolicy<Events extends EventMap = EventMap, Adds = unknown> extends PolicyIdentity<Events, Adds> {
  /**
   * Runs the call.
   *
   * @param next Runs what is inside; may be called again, or several times at once. What still runs when this
   *   function has ended, or when the call was ended further out, is cancelled: its promise rejects, and so does that
   *   of every later `next`. Given the context of a call of another pipeline, it ends with that too.
   */
  around(context: ExecutionContext, next: (within?: ExecutionContext) => Promise<unknown>): Promise<unknown>;
}

/** A policy: one of this library's or a user's own. */
export type Policy<Events extends EventMap = EventMap, Adds = unknown> =
  | HookPolicy<Events, Adds>
  | AroundPolicy<Events, Adds>;
