import type { ExecutionContext } from '../policy/context.ts';
import type { Priority } from '../policy/priority.ts';
import { RunListener } from './run-listener.ts';

/** The context of a run that may also be ended for reasons of its own, such as a time limit on a part of it. */
export class OwnRun extends RunListener implements ExecutionContext {
  private readonly context: ExecutionContext;
  private readonly controller: AbortController;
  private readonly onOuterAbort: ((reason: unknown) => void) | undefined;

  /** @param onOuterAbort Told when the run that it is a part of was aborted. */
  constructor(context: ExecutionContext, onOuterAbort?: (reason: unknown) => void) {
    super();
    this.context = context;
    this.controller = new AbortController();
    this.onOuterAbort = onOuterAbort;
  }

  /** Starts to follow the run that it is a part of. */
  follow(): this {
    this.listen(this.context);
    return this;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get attempt(): number {
    return this.context.attempt;
  }

  get pipeline(): string | undefined {
    return this.context.pipeline;
  }

  get key(): string | undefined {
    return this.context.key;
  }

  get priority(): Priority {
    return this.context.priority;
  }

  get remainingMs(): number {
    return this.signal.aborted ? 0 : this.context.remainingMs;
  }

  /** Aborts its signal with this reason; without one with the platform's AbortError. */
  abort(reason?: unknown): void {
    this.release();
    this.controller.abort(reason);
  }

  /** It has come to its own end: nothing is listened to any more. */
  release(): void {
    this.stopListening(this.context);
  }

  override onAbort(reason: unknown): void {
    this.controller.abort(reason);
    this.onOuterAbort?.(reason);
  }
}
