import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import type { Failure, Outcome } from '../policy/outcome.ts';
import { AGAIN, type Again, type Call, type Fork, type Scope, WAIT, type Wait } from '../policy/policy.ts';
import type { KeySlot } from './key-table.ts';

/** Where a call is told to be over. */
interface KeyedHome<P> {
  release(slot: KeySlot<P>): void;
}

/**
 * A call as the policy of its key sees it: the same call, but with the key that the policy belongs to, in events too,
 * and with a memory of its own, because the place in the call is taken by the keyed policy.
 */
export class KeyedCall<P> implements Call {
  readonly slot: KeySlot<P>;
  private readonly home: KeyedHome<P>;
  private readonly call: Call;
  private readonly at: number;
  private memory: unknown = undefined;
  private inside = true;

  /** @param at The position of the keyed policy, which is that of the policy of the key. */
  constructor(home: KeyedHome<P>, call: Call, at: number, slot: KeySlot<P>) {
    this.home = home;
    this.call = call;
    this.at = at;
    this.slot = slot;
  }

  // --- the hooks of the policy ---

  /** A policy that refuses, or throws, has not let the call in. */
  enter(): Outcome | Wait | undefined {
    let answer: Outcome | Wait | undefined;
    try {
      answer = this.slot.hooks.enter(this, this.at);
    } catch (error) {
      this.release();
      throw error;
    }
    if (answer !== undefined && answer !== WAIT) this.release();
    return answer;
  }

  leave(outcome: Outcome): Outcome | Wait | Again {
    let answer: Outcome | Wait | Again;
    try {
      answer = this.slot.hooks.leave(this, this.at, outcome);
    } catch (error) {
      this.release();
      throw error;
    }
    if (answer !== WAIT && answer !== AGAIN) this.release();
    return answer;
  }

  cancel(outcome: Failure, byCaller: boolean): void {
    try {
      this.slot.hooks.cancel(this, this.at, outcome, byCaller);
    } finally {
      this.release();
    }
  }

  /** What the policy of the key leaves the call. */
  get remainingInside(): number {
    return this.slot.hooks.remainingMs?.(this, this.at) ?? Infinity;
  }

  /** Whether the policy of the key is about to end the call. */
  get isDueInside(): boolean {
    return this.slot.hooks.isDue?.(this, this.at) ?? false;
  }

  /** The call is no longer inside the policy of its key; a second time changes nothing. */
  private release(): void {
    if (!this.inside) return;
    this.inside = false;
    this.home.release(this.slot);
  }

  // --- what is its own ---

  get key(): string {
    return this.slot.key;
  }

  keep(_at: number, state: unknown): void {
    this.memory = state;
  }

  kept(_at: number): unknown {
    return this.memory;
  }

  /** Further in than its own position the outcome still has to leave this policy. */
  complete(at: number, outcome: Outcome): void {
    if (at <= this.at) this.release();
    this.call.complete(at, outcome);
  }

  interrupt(at: number, outcome: Failure): void {
    this.release();
    this.call.interrupt(at, outcome);
  }

  emit(policy: string | undefined, type: string, details: object): void {
    this.call.emit(policy, type, { key: this.key, ...details });
  }

  hookFailed(policy: string, hook: string, error: unknown): void {
    if (this.wants('hook-failed')) this.emit(policy, 'hook-failed', { hook, error, outcome: 'failure' });
  }

  // --- what is that of the call ---

  get attempts(): number {
    return this.call.attempts;
  }

  get lastAttempt(): number {
    return this.call.lastAttempt;
  }

  get root(): object {
    return this.call.root;
  }

  get sync(): boolean {
    return this.call.sync;
  }

  get running(): number {
    return this.call.running;
  }

  get options(): CallOptions | undefined {
    return this.call.options;
  }

  get priorityLevel(): number {
    return this.call.priorityLevel;
  }

  get pipeline(): string | undefined {
    return this.call.pipeline;
  }

  get context(): ExecutionContext {
    return this.call.context;
  }

  get leftBehind(): ReadonlySet<unknown> | undefined {
    return this.call.leftBehind;
  }

  remainingMs(at: number): number {
    return this.call.remainingMs(at);
  }

  isOver(at: number): boolean {
    return this.call.isOver(at);
  }

  resume(at: number): void {
    this.call.resume(at);
  }

  countAttempt(): void {
    this.call.countAttempt();
  }

  retractAttempt(): void {
    this.call.retractAttempt();
  }

  abortRun(reason: unknown): boolean {
    return this.call.abortRun(reason);
  }

  scope(at: number): Scope {
    return this.call.scope(at);
  }

  fork(at: number, done: (outcome: Outcome) => void, within?: ExecutionContext): Fork {
    return this.call.fork(at, done, within);
  }

  cancelForks(reason: unknown, byCaller?: boolean): void {
    this.call.cancelForks(reason, byCaller);
  }

  whenIdle(callback: () => void, except?: ReadonlySet<unknown>): void {
    this.call.whenIdle(callback, except);
  }

  wants(type: string): boolean {
    return this.call.wants(type);
  }
}
