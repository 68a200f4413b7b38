import { Attempt } from '../pipeline/attempt.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import type { Priority } from '../policy/priority.ts';
import { RunListener } from './run-listener.ts';

/**
 * Ends a call from outside. It is the call's parent and passes on what the parent that the caller named says: cheaper
 * than a signal of its own for each call.
 */
export class CallSwitch extends RunListener {
  /** To be given to the call as its parent. */
  readonly context: Attempt;
  readonly pipeline: undefined;
  private readonly parent: ExecutionContext | undefined;

  constructor(parent: CallOptions['parent']) {
    super();
    this.parent = parent;
    this.context = new Attempt(this, 0, 1);
    if (parent !== undefined) this.listen(parent);
  }

  get key(): string | undefined {
    return this.parent?.key;
  }

  get priority(): Priority {
    return this.parent?.priority ?? 'normal';
  }

  remainingMs(): number {
    return this.parent?.remainingMs ?? Infinity;
  }

  /** A parent that is nobody's run has no attempts to take back. */
  retractAttempt(): void {
    return undefined;
  }

  /** Nothing runs in it that could fail. */
  hookFailed(): void {
    return undefined;
  }

  /** Ends the call with this reason, as its caller's abort would. */
  end(reason: unknown): void {
    this.context.abort(reason, true);
  }

  /** The call has ended: nothing is listened to any more. */
  release(): void {
    if (this.parent !== undefined) this.stopListening(this.parent);
  }

  override onAbort(reason: unknown, byCaller = true): void {
    this.context.abort(reason, byCaller);
  }
}
