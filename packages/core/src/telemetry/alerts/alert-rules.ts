/**
 * Alerts by rules of a threshold. Each is measured at an interval; what was measured within its window is taken together,
 * and held against the threshold:
 *
 * ```text
 *          over the threshold        for forMs
 *   quiet ───────────────────▶ pending ──────▶ firing ◀──────────────┐ over clearAt again
 *     ▲                          │               │ at clearAt        │
 *     └──────────────────────────┘               └─────▶ clearing ───┤
 *     ▲    no longer over it                                         │ for clearForMs
 *     └──────────────────────────────────────────────────────────────┘
 * ```
 *
 * Where nothing was measured within the window, a rule stays where it is: who can't see should neither wake anybody nor
 * say that all is well.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import type { EventSource } from '../../events/event.ts';
import { OwnerChannel } from '../../events/owner-channel.ts';
import type { AlertAggregate, AlertEvents, AlertFiredEvent, Alerts, AlertState, AlertStatus } from './alert.ts';
import { type AlertRulesOptions, type ResolvedRule, resolveAlertOptions } from './options.ts';

/**
 * Watches numbers, and tells when one has been beyond its threshold for long enough, and when that is over. It begins
 * with `start`.
 *
 * @throws ConfigurationError
 */
export function alertRules(options: AlertRulesOptions): Alerts {
  return new WatchedRules(options);
}

class WatchedRules implements Alerts {
  private readonly channel: OwnerChannel<AlertEvents>;
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly rules: readonly WatchedRule[];
  private timer: Timer | undefined = undefined;

  constructor(given: AlertRulesOptions) {
    const { rules, intervalMs, clock = systemClock } = resolveAlertOptions(given);
    this.clock = clock;
    this.intervalMs = intervalMs;
    this.channel = new OwnerChannel(undefined, () => clock);
    this.rules = rules.map((rule) => new WatchedRule(rule, intervalMs, clock, this.channel));
  }

  get events(): EventSource<AlertEvents> {
    return this.channel;
  }

  get status(): readonly AlertStatus[] {
    return this.rules.map((rule) => rule.status);
  }

  start(): void {
    if (this.timer !== undefined) return;
    const tick = (): void => {
      this.timer = this.clock.setTimer(this.intervalMs, tick, true);
      this.evaluate();
    };
    this.timer = this.clock.setTimer(this.intervalMs, tick, true);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  evaluate(): void {
    for (const rule of this.rules) rule.evaluate();
  }
}

interface Sample {
  readonly at: number;
  readonly value: number;
}

class WatchedRule {
  private readonly rule: ResolvedRule;
  private readonly clock: Clock;
  private readonly channel: OwnerChannel<AlertEvents>;
  /** No more than fit into a window at this interval, whoever else evaluates. */
  private readonly maxSamples: number;
  private samples: Sample[] = [];
  private state: AlertState = 'quiet';
  private since: number;
  private firedAt = 0;
  private value: number | undefined = undefined;

  constructor(rule: ResolvedRule, intervalMs: number, clock: Clock, channel: OwnerChannel<AlertEvents>) {
    this.rule = rule;
    this.clock = clock;
    this.channel = channel;
    this.maxSamples = Math.ceil(rule.windowMs / intervalMs) + 1;
    this.since = clock.now();
  }

  get status(): AlertStatus {
    const { name, threshold, summary, urgency } = this.rule;
    const timeInStateMs = this.clock.now() - this.since;
    return { name, state: this.state, timeInStateMs, value: this.value, threshold, summary, urgency };
  }

  evaluate(): void {
    const now = this.clock.now();
    this.measure(now);
    const { windowMs, aggregate } = this.rule;
    this.samples = this.samples.filter(({ at }) => at > now - windowMs).slice(-this.maxSamples);
    this.value = aggregated(this.samples, aggregate);
    if (this.value !== undefined) this.move(now, this.value);
  }

  private measure(now: number): void {
    try {
      const value = this.rule.measure();
      if (value !== undefined && !Number.isNaN(value)) this.samples.push({ at: now, value });
    } catch (error) {
      this.channel.tell('hook-failed', { hook: `measure of ${this.rule.name}`, error, outcome: 'failure' });
    }
  }

  private move(now: number, value: number): void {
    const { sign, threshold, clearAt, forMs, clearForMs } = this.rule;
    const isOver = sign * value > sign * threshold;
    const isClear = sign * value <= sign * clearAt;
    if (this.state === 'quiet' && isOver) this.enter('pending', now);
    else if (this.state === 'pending' && !isOver) this.enter('quiet', now);
    else if (this.state === 'firing' && isClear) this.enter('clearing', now);
    else if (this.state === 'clearing' && !isClear) this.enter('firing', now);
    if (this.state === 'pending' && now - this.since >= forMs) this.fire(now, value);
    else if (this.state === 'clearing' && now - this.since >= clearForMs) this.clear(now, value);
  }

  private enter(state: AlertState, now: number): void {
    this.state = state;
    this.since = now;
  }

  private fire(now: number, value: number): void {
    this.enter('firing', now);
    this.firedAt = now;
    this.channel.tell('alert-fired', this.told(value));
  }

  private clear(now: number, value: number): void {
    this.enter('quiet', now);
    this.channel.tell('alert-cleared', { ...this.told(value), durationMs: now - this.firedAt });
  }

  private told(value: number): AlertFiredEvent {
    const { name: alert, threshold, summary, urgency } = this.rule;
    return { alert, value, threshold, summary, urgency };
  }
}

function aggregated(samples: readonly Sample[], aggregate: AlertAggregate): number | undefined {
  const values = samples.map(({ value }) => value);
  if (values.length === 0) return undefined;
  switch (aggregate) {
    case 'mean':
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    case 'last':
      return values.at(-1);
  }
}
