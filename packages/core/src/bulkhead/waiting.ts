import { AbortSubscription } from '../policy/abort-subscription.ts';
import type { Call } from '../policy/policy.ts';
import { Waiter } from './waiter.ts';

/** The bulkhead as a waiting call sees it. */
interface Gate {
  proceed(call: Call, at: number): void;
  refuseWaiting(call: Call, at: number): void;
}

/** A call of a pipeline that waits; its pipeline tells the bulkhead when it is aborted. */
export class WaitingCall extends Waiter {
  private readonly gate: Gate;
  private readonly call: Call;
  private readonly at: number;

  constructor(gate: Gate, call: Call, at: number) {
    super(call.priorityLevel);
    this.gate = gate;
    this.call = call;
    this.at = at;
  }

  override granted(): void {
    this.gate.proceed(this.call, this.at);
  }

  override refused(): void {
    this.gate.refuseWaiting(this.call, this.at);
  }
}

/** What becomes of code that waits in `acquire`. */
export interface WaitEnd {
  granted(): void;
  refused(): void;
  aborted(): void;
}

/** Code that waits in `acquire`; it listens to its signal itself. */
export class WaitingCode extends Waiter {
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

  override onAbort(): void {
    this.end.aborted();
  }
}
