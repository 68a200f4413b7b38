import type { Clock, Timer } from '../clock/clock.ts';
import { BreakwaterError } from '../errors/breakwater-error.ts';
import { callable, positiveMilliseconds, type Rule } from '../options/rules.ts';

/** A way to ask the upstream how it is, apart from the calls. */
export interface HealthProbe {
  /**
   * Healthy is whatever it answers but `false`; an error or a rejection is not. The signal is aborted when nobody waits
   * for the answer any more.
   */
  readonly check: (context: { readonly signal: AbortSignal }) => unknown;
  /**
   * How often it is called while the breaker is open, in milliseconds, above 0; the first time so long after it opened. A
   * check that has not answered when the next is due is aborted and counts as failed.
   */
  readonly intervalMs: number;
}

const isFunction = callable();
const interval = positiveMilliseconds();

/** What a health probe may be. */
export const healthProbeRule: Rule<HealthProbe> = {
  expected: `an object with check, ${isFunction.expected}, and intervalMs, ${interval.expected}`,
  accepts: (value): value is HealthProbe => {
    const { check, intervalMs, ...unknown } = (value ?? {}) as Partial<HealthProbe>;
    return isFunction.accepts(check) && interval.accepts(intervalMs) && Object.keys(unknown).length === 0;
  },
};

/** How a check ended. */
export interface HealthCheck {
  readonly healthy: boolean;
  readonly error: unknown;
  readonly durationMs: number;
}

/** Told how a check ended; not told of one that was stopped. */
type OnChecked = (check: HealthCheck) => void;

/** A check under way. */
interface Running {
  readonly controller: AbortController;
  readonly startedAt: number;
}

/**
 * Calls a check again and again until it is told to stop. There is one timer, which does not keep the process alive, and
 * one check under way at a time; after {@link HealthChecks.stop} there is neither, and what a check still answers is lost.
 */
export class HealthChecks {
  private readonly probe: HealthProbe;
  private readonly policy: string;
  private onChecked: OnChecked | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private running: Running | undefined = undefined;

  constructor(probe: HealthProbe, policy: string) {
    this.probe = probe;
    this.policy = policy;
  }

  /** Only where it does not run. */
  start(clock: Clock, onChecked: OnChecked): void {
    this.onChecked = onChecked;
    this.wait(clock);
  }

  stop(): void {
    const { timer, running } = this;
    this.timer = this.running = undefined;
    timer?.cancel();
    running?.controller.abort();
  }

  private wait(clock: Clock): void {
    this.timer = clock.setTimer(this.probe.intervalMs, () => this.due(clock), true);
  }

  private due(clock: Clock): void {
    this.wait(clock);
    const { running, timer } = this;
    if (running !== undefined) {
      const error = this.unanswered();
      running.controller.abort(error);
      this.ended(clock, running, false, error);
    }
    // Who is told of it may well have stopped the checks, or started them anew.
    if (this.timer === timer) this.check(clock);
  }

  private check(clock: Clock): void {
    const running = { controller: new AbortController(), startedAt: clock.now() };
    this.running = running;
    const failed = (error: unknown): void => this.ended(clock, running, false, error);
    try {
      const answer = this.probe.check({ signal: running.controller.signal });
      Promise.resolve(answer).then((value) => this.ended(clock, running, value !== false, undefined), failed);
    } catch (error) {
      failed(error);
    }
  }

  private ended(clock: Clock, running: Running, healthy: boolean, error: unknown): void {
    if (this.running !== running) return;
    this.running = undefined;
    this.onChecked!({ healthy, error, durationMs: clock.now() - running.startedAt });
  }

  private unanswered(): Error {
    return new BreakwaterError(`the health check has not answered within ${this.probe.intervalMs} ms`, {
      code: 'HEALTH_CHECK_TIMEOUT',
      category: 'timeout',
      policy: this.policy,
    });
  }
}
