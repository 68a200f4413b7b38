import { PermitWaiter } from '../gates/permit-waiter.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';

/** What becomes of code that waits in `acquire`. */
export interface WaitEnd {
  granted(): void;
  refused(): void;
  aborted(reason: unknown): void;
}

/** Code that waits in `acquire`; it listens to its signal itself. */
export class WaitingCode extends PermitWaiter {
  private readonly signal: AbortSignal | undefined;
  private readonly end: WaitEnd;
  private readonly subscription: CodeSubscription;

  constructor(level: number, signal: AbortSignal | undefined, end: WaitEnd) {
    super(level);
    this.signal = signal;
    this.end = end;
    this.subscription = new CodeSubscription(end);
  }

  listen(): void {
    if (this.signal !== undefined) this.subscription.subscribe(this.signal);
  }

  override get isOver(): boolean {
    return this.signal !== undefined && this.signal.aborted;
  }

  override granted(): void {
    this.stopListening();
    this.end.granted();
  }

  override refused(): void {
    this.stopListening();
    this.end.refused();
  }

  private stopListening(): void {
    if (this.signal !== undefined) this.subscription.unsubscribe(this.signal);
  }
}

class CodeSubscription extends AbortSubscription {
  private readonly end: WaitEnd;

  constructor(end: WaitEnd) {
    super();
    this.end = end;
  }

  override onAbort(reason: unknown): void {
    this.end.aborted(reason);
  }
}
