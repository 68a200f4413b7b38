import type { ConcurrencyPolicy, ConcurrencySample } from './concurrency-policy.ts';

/** Whom it tells. */
export interface WorkerLimitHost {
  limitChanged(from: number, to: number): void;
  policyFailed(error: unknown): void;
}

/** How many tasks may run at once: a fixed number, or what an adaptive policy makes of the tasks that have ended. */
export class WorkerLimit {
  current: number;
  private readonly min: number;
  private readonly max: number;
  private readonly policy: ConcurrencyPolicy | undefined;
  private readonly host: WorkerLimitHost;

  constructor(min: number, max: number, policy: ConcurrencyPolicy | undefined, host: WorkerLimitHost) {
    this.min = min;
    this.max = max;
    this.policy = policy;
    this.host = host;
    this.current = policy === undefined ? max : min;
  }

  get isAdaptive(): boolean {
    return this.policy !== undefined;
  }

  /** A task has ended: asks the policy. One that throws or gives no number changes nothing. */
  learn(sample: Omit<ConcurrencySample, 'limit'>): void {
    const from = this.current;
    let wanted: number;
    try {
      wanted = this.policy!.next({ ...sample, limit: from });
    } catch (error) {
      this.host.policyFailed(error);
      return;
    }
    const to = Math.min(this.max, Math.max(this.min, Math.round(wanted)));
    if (Number.isNaN(to) || to === from) return;
    this.current = to;
    this.host.limitChanged(from, to);
  }
}
