import type { Clock } from '../../clock/clock.ts';
import { ConfigurationError, type ConfigurationFault } from '../../errors/configuration-error.ts';
import { describe, type Resolved, resolveOptions } from '../../options/resolve.ts';
import {
  callable,
  implementing,
  milliseconds,
  number,
  oneOf,
  positiveMilliseconds,
  type Rules,
  text,
} from '../../options/rules.ts';
import type { AlertAggregate, AlertRule } from './alert.ts';

/** Options of alerts. */
export interface AlertRulesOptions {
  /** The rules, by name. */
  readonly rules: Readonly<Record<string, AlertRule>>;
  /** How often is measured, in milliseconds, above 0 and at most the window of any rule; default 10,000. */
  readonly intervalMs?: number | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** The defaults of alerts. */
export const alertRulesDefaults: { readonly intervalMs: number } = Object.freeze({ intervalMs: 10_000 });

/** The defaults of a rule. */
export const alertRuleDefaults: {
  readonly windowMs: number;
  readonly aggregate: AlertAggregate;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly urgency: string;
} = Object.freeze({ windowMs: 60_000, aggregate: 'mean', forMs: 60_000, clearForMs: 0, urgency: 'page' });

const optionRules: Rules<AlertRulesOptions> = {
  rules: {
    expected: 'an object with rules by name',
    accepts: (value: unknown): value is AlertRulesOptions['rules'] => typeof value === 'object' && value !== null,
  },
  intervalMs: positiveMilliseconds(),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
};

const anyNumber = number(-Infinity, Infinity);
const ruleRules: Rules<AlertRule> = {
  measure: callable<() => number | undefined>(),
  above: { ...anyNumber, expected: 'a number' },
  below: { ...anyNumber, expected: 'a number' },
  clearAt: { ...anyNumber, expected: 'a number' },
  windowMs: positiveMilliseconds(),
  aggregate: oneOf('mean', 'max', 'min', 'last'),
  forMs: milliseconds(),
  clearForMs: milliseconds(),
  summary: text(),
  urgency: text(),
};

/** A rule with all that it goes by. */
export interface ResolvedRule extends Resolved<AlertRule, typeof alertRuleDefaults> {
  readonly name: string;
  readonly summary: string;
  readonly threshold: number;
  readonly clearAt: number;
  /** 1 where above is a matter, -1 where below is. */
  readonly sign: 1 | -1;
}

/** The options, complete and possible. */
export interface ResolvedAlertOptions {
  readonly intervalMs: number;
  readonly clock: Clock | undefined;
  readonly rules: readonly ResolvedRule[];
}

/** @throws ConfigurationError with all faults at once. */
export function resolveAlertOptions(given: AlertRulesOptions): ResolvedAlertOptions {
  const { rules, intervalMs, clock } = resolveOptions('alertRules', given, alertRulesDefaults, optionRules, ['rules']);
  const faults: ConfigurationFault[] = [];
  const resolved: ResolvedRule[] = [];
  for (const [name, rule] of Object.entries(rules)) {
    const path = `alertRules.rules.${name}`;
    try {
      const options = resolveOptions(path, rule, alertRuleDefaults, ruleRules, ['measure']);
      const found = faultsOf(options, path, intervalMs);
      faults.push(...found);
      if (found.length === 0) resolved.push(resolvedRule(name, options));
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return { intervalMs, clock, rules: resolved };
}

type Options = Resolved<AlertRule, typeof alertRuleDefaults>;

function faultsOf(
  { above, below, clearAt, windowMs }: Options,
  path: string,
  intervalMs: number,
): ConfigurationFault[] {
  const faults: ConfigurationFault[] = [];
  if ((above === undefined) === (below === undefined))
    faults.push({ path, expected: 'either above or below', received: above === undefined ? 'neither' : 'both' });
  else if (above !== undefined && clearAt !== undefined && clearAt > above)
    faults.push({ path: `${path}.clearAt`, expected: `at most above, ${above}`, received: describe(clearAt) });
  else if (below !== undefined && clearAt !== undefined && clearAt < below)
    faults.push({ path: `${path}.clearAt`, expected: `at least below, ${below}`, received: describe(clearAt) });
  if (windowMs < intervalMs)
    faults.push({
      path: `${path}.windowMs`,
      expected: `at least intervalMs, ${intervalMs}`,
      received: describe(windowMs),
    });
  return faults;
}

function resolvedRule(name: string, options: Options): ResolvedRule {
  const sign = options.above === undefined ? -1 : 1;
  const threshold = options.above ?? options.below!;
  const clearAt = options.clearAt ?? threshold - sign * 0.1 * Math.abs(threshold);
  const summary = options.summary ?? `${name} is ${sign === 1 ? 'above' : 'below'} ${threshold}`;
  return { ...options, name, sign, threshold, clearAt, summary };
}
