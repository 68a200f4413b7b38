import type { Clock } from '../../clock/clock.ts';
import { defaultRedactor, type Redactor } from '../../errors/redactor.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { type Resolved, resolveOptions } from '../../options/resolve.ts';
import { implementing, integer, milliseconds, type Rule, type Rules, text } from '../../options/rules.ts';
import type {
  StatusAlerts,
  StatusBatcher,
  StatusCache,
  StatusConnections,
  StatusHealth,
  StatusLimiter,
  StatusMonitor,
  StatusWorkers,
} from './registry-port.ts';

/** Options of a status page. */
export interface StatusPageOptions {
  /** What stands at its head: the name of the service; default `Breakwater`. */
  readonly title?: string | undefined;
  /** Caches to show, by name. Default: none. */
  readonly caches?: Readonly<Record<string, StatusCache>> | undefined;
  /** Limiters that stand in no pipeline, by name. Default: none. */
  readonly limiters?: Readonly<Record<string, StatusLimiter>> | undefined;
  /** Connection pools and worker pools to show, by name. Default: none. */
  readonly pools?: Readonly<Record<string, StatusConnections | StatusWorkers>> | undefined;
  /** Batchers to show, by name. Default: none. */
  readonly batchers?: Readonly<Record<string, StatusBatcher>> | undefined;
  /** Whose operations are shown: a performance monitor. Default: none. */
  readonly monitor?: StatusMonitor | undefined;
  /** Health checks to show. Default: none. */
  readonly health?: StatusHealth | undefined;
  /** Alerts to show. Default: none. */
  readonly alerts?: StatusAlerts | undefined;
  /**
   * The secret with which breakers may be isolated and reset, 16 characters at least. Default: nobody may. Requests carry
   * it as `Authorization: Bearer …`.
   */
  readonly commandToken?: string | undefined;
  /** How often the page is brought up to date, in milliseconds, at least 100; default 2,000. */
  readonly intervalMs?: number | undefined;
  /** How long the plots reach back, in milliseconds, at least 10,000 and at most 3,600,000; default 300,000. */
  readonly historyMs?: number | undefined;
  /** How many browsers may look at once, at least 1; default 50. Others are asked to come later. */
  readonly maxViewers?: number | undefined;
  /** Takes out of names and reasons what is secret; default: what every redactor of `breakwater/errors` takes out. */
  readonly redactor?: Redactor | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** The defaults of a status page. */
export const statusPageDefaults: {
  readonly title: string;
  readonly intervalMs: number;
  readonly historyMs: number;
  readonly maxViewers: number;
} = Object.freeze({ title: 'Breakwater', intervalMs: 2_000, historyMs: 300_000, maxViewers: 50 });

const byName = <T>(what: string): Rule<Readonly<Record<string, T>>> => ({
  expected: `an object with ${what} by name`,
  accepts: (value: unknown): value is Readonly<Record<string, T>> =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((each) => typeof each === 'object' && each !== null && 'statistics' in each),
});

const secret: Rule<string> = {
  expected: 'a secret of 16 characters at least',
  accepts: (value: unknown): value is string => typeof value === 'string' && value.length >= 16,
};

const rules: Rules<StatusPageOptions> = {
  title: text(),
  caches: byName<StatusCache>('caches'),
  limiters: byName<StatusLimiter>('limiters'),
  pools: byName<StatusConnections | StatusWorkers>('connection or worker pools'),
  batchers: byName<StatusBatcher>('batchers'),
  monitor: implementing<StatusMonitor>('a performance monitor', 'snapshot'),
  health: implementing<StatusHealth>('health checks', 'check'),
  alerts: {
    expected: 'alerts (an object with status)',
    accepts: (value: unknown): value is StatusAlerts =>
      typeof value === 'object' && value !== null && 'status' in value,
  },
  commandToken: secret,
  intervalMs: milliseconds(100),
  historyMs: milliseconds(10_000, 3_600_000),
  maxViewers: integer(1),
  redactor: implementing<Redactor>('a redactor', 'text', 'value'),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
};

/** The options, complete. */
export type ResolvedStatusOptions = Resolved<StatusPageOptions, typeof statusPageDefaults> & {
  readonly redactor: Redactor;
  readonly clock: Clock;
};

/** @throws ConfigurationError with all faults at once. */
export function resolveStatusOptions(given: StatusPageOptions): ResolvedStatusOptions {
  const options = resolveOptions('statusPage', given, statusPageDefaults, rules);
  return { ...options, redactor: options.redactor ?? defaultRedactor, clock: options.clock ?? systemClock };
}
