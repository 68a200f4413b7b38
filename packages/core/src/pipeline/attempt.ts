import type { ExecutionContext } from '../policy/context.ts';
import type { Priority } from '../policy/priority.ts';

/** What an attempt must know of its call. */
export interface AttemptedCall {
  readonly pipeline: string | undefined;
  readonly key: string | undefined;
  readonly priority: Priority;
  remainingMs(at: number): number;
  isOver(at: number): boolean;
  retractAttempt(): void;
  hookFailed(policy: string, hook: string, error: unknown): void;
  endCall(reason: unknown): void;
}

/** Told when a run is aborted; see {@link Attempt.link}. */
export interface AbortLink {
  onAbort(reason: unknown, byCaller: boolean): void;
}

/** What only a run has whose signal was read, that was linked to, or that was aborted: few are. */
class AbortState {
  controller: AbortController | undefined = undefined;
  /** Most runs that are linked to at all are linked to once. */
  link: AbortLink | undefined = undefined;
  moreLinks: Set<AbortLink> | undefined = undefined;
  aborted = false;
  reason: unknown = undefined;
}

/** One run of a user's function, and what that function is told about it. */
export class Attempt implements ExecutionContext {
  readonly attempt: number;
  private readonly call: AttemptedCall;
  /** The position whose enclosing policies limit this run. */
  private readonly at: number;
  private state: AbortState | undefined = undefined;

  constructor(call: AttemptedCall, at: number, attempt: number) {
    this.call = call;
    this.at = at;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    const state = (this.state ??= new AbortState());
    if (state.controller === undefined) {
      state.controller = new AbortController();
      if (state.aborted) state.controller.abort(state.reason);
    }
    return state.controller.signal;
  }

  /** The same as that of its signal, which then need not be made. */
  get aborted(): boolean {
    return this.state?.aborted === true;
  }

  get pipeline(): string | undefined {
    return this.call.pipeline;
  }

  get key(): string | undefined {
    return this.call.key;
  }

  get priority(): Priority {
    return this.call.priority;
  }

  get remainingMs(): number {
    return this.aborted ? 0 : this.call.remainingMs(this.at);
  }

  /** Whether this run has been aborted, or is about to be. */
  get isOver(): boolean {
    return this.state?.aborted === true || this.call.isOver(this.at);
  }

  /** Says that nothing was started after all; only for the run of a function that is another pipeline's inside. */
  retract(): void {
    this.call.retractAttempt();
  }

  /** Ends the whole call that it is a run of, as the caller's abort would. */
  endCall(reason: unknown): void {
    this.call.endCall(reason);
  }

  /** Tells that a function of the user's threw; for what runs inside the call without being one of its policies. */
  hookFailed(policy: string, hook: string, error: unknown): void {
    this.call.hookFailed(policy, hook, error);
  }

  abort(reason: unknown, byCaller: boolean): void {
    const state = (this.state ??= new AbortState());
    if (state.aborted) return;
    state.aborted = true;
    state.reason = reason;
    const { link, moreLinks } = state;
    state.link = undefined;
    state.moreLinks = undefined;
    link?.onAbort(reason, byCaller);
    for (const another of moreLinks ?? []) another.onAbort(reason, byCaller);
    state.controller?.abort(reason);
  }

  /** Passes an abort on to a call that is part of this run, without the cost of a signal. */
  link(link: AbortLink): void {
    const state = (this.state ??= new AbortState());
    if (state.aborted) link.onAbort(state.reason, true);
    else if (state.link === undefined) state.link = link;
    else (state.moreLinks ??= new Set()).add(link);
  }

  unlink(link: AbortLink): void {
    if (this.state === undefined) return;
    if (this.state.link === link) this.state.link = undefined;
    else this.state.moreLinks?.delete(link);
  }
}
