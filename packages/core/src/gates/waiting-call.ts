import type { Call } from '../policy/policy.ts';
import { PermitWaiter } from './permit-waiter.ts';

/** The policy as a call sees it that waits there. */
export interface CallGate {
  /** The permit is the call's. */
  proceed(call: Call, at: number): void;
  /** The call has waited too long. */
  refuseWaiting(call: Call, at: number): void;
}

/** A call of a pipeline that waits for a permit; its pipeline tells the policy when it is aborted. */
export class WaitingCall extends PermitWaiter {
  private readonly gate: CallGate;
  private readonly call: Call;
  private readonly at: number;

  constructor(gate: CallGate, call: Call, at: number) {
    super(call.priorityLevel);
    this.gate = gate;
    this.call = call;
    this.at = at;
  }

  override get isOver(): boolean {
    return this.call.isOver(this.at);
  }

  override granted(): void {
    this.gate.proceed(this.call, this.at);
  }

  override refused(): void {
    this.gate.refuseWaiting(this.call, this.at);
  }
}
