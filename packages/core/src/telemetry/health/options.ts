import type { Clock } from '../../clock/clock.ts';
import { ConfigurationError, type ConfigurationFault } from '../../errors/configuration-error.ts';
import { nearest, resolveOptions, type Resolved } from '../../options/resolve.ts';
import {
  callable,
  flag,
  implementing,
  milliseconds,
  positiveMilliseconds,
  type Rule,
  type Rules,
} from '../../options/rules.ts';
import type { HealthCheck, HealthProbe, HealthProbeKind } from './health.ts';

/** Options of health checks. */
export interface HealthChecksOptions {
  /** What is looked at, by name. */
  readonly checks: Readonly<Record<string, HealthCheck | HealthProbe>>;
  /** How long a check may take, in milliseconds, above 0; default 5,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * For how long what a check found is taken for the present, in milliseconds, at least 0; default 1,000: whoever asks a
   * hundred times a second does not make a hundred checks of it.
   */
  readonly cacheMs?: number | undefined;
  /**
   * Whether the messages of errors that are not of the library are shown. Default false: they are written for developers,
   * and hold addresses and queries; what kind of error it was stands for them.
   */
  readonly foreignMessages?: boolean | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** The defaults of health checks. */
export const healthChecksDefaults: {
  readonly timeoutMs: number;
  readonly cacheMs: number;
  readonly foreignMessages: boolean;
} = Object.freeze({ timeoutMs: 5_000, cacheMs: 1_000, foreignMessages: false });

const rules: Rules<HealthChecksOptions> = {
  checks: {
    expected: 'an object with checks (functions, or objects with check) by name',
    accepts: (value: unknown): value is HealthChecksOptions['checks'] =>
      typeof value === 'object' && value !== null && Object.values(value).every((each) => isCheck(each)),
  },
  timeoutMs: positiveMilliseconds(),
  cacheMs: milliseconds(),
  foreignMessages: flag(),
  clock: implementing<Clock>('a clock', 'now', 'wallTime', 'setTimer'),
};

const KINDS: readonly string[] = ['liveness', 'readiness'];
const listOf = <T>(expected: string, accepts: (value: unknown) => boolean): Rule<readonly T[]> => ({
  expected,
  accepts: (value: unknown): value is readonly T[] => Array.isArray(value) && value.every((each) => accepts(each)),
});

const checkRules: Rules<HealthCheck> = {
  check: callable<HealthProbe>(),
  timeoutMs: positiveMilliseconds(),
  cacheMs: milliseconds(),
  dependsOn: listOf<string>('a list of names of checks', (value) => typeof value === 'string'),
  probes: listOf<HealthProbeKind>("a list of 'liveness' and 'readiness'", (value) => KINDS.includes(value as string)),
  critical: flag(),
};

function isCheck(value: unknown): boolean {
  return typeof value === 'function' || typeof (Object(value) as { readonly check?: unknown }).check === 'function';
}

/** A check with all its options. */
export type ResolvedCheck = Required<{ readonly [Key in keyof HealthCheck]: Exclude<HealthCheck[Key], undefined> }>;

/** The options, complete and possible. */
export interface ResolvedHealthOptions extends Pick<
  Resolved<HealthChecksOptions, typeof healthChecksDefaults>,
  'foreignMessages' | 'clock'
> {
  /** Each after those that it depends on. */
  readonly checks: ReadonlyMap<string, ResolvedCheck>;
}

/** @throws ConfigurationError with all faults at once. */
export function resolveHealthOptions(given: HealthChecksOptions): ResolvedHealthOptions {
  const options = resolveOptions('healthChecks', given, healthChecksDefaults, rules, ['checks']);
  const faults: ConfigurationFault[] = [];
  const checks = new Map<string, ResolvedCheck>();
  const { timeoutMs, cacheMs } = options;
  for (const [name, check] of Object.entries(options.checks)) {
    const defaults = { timeoutMs, cacheMs, dependsOn: [], probes: ['readiness'] as const, critical: true };
    const asObject = typeof check === 'function' ? { check } : check;
    try {
      checks.set(name, resolveOptions(`healthChecks.checks.${name}`, asObject, defaults, checkRules));
    } catch (error) {
      faults.push(...(error as ConfigurationError).faults);
    }
  }
  if (faults.length === 0) faults.push(...unknownNames(checks));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return { ...options, checks: inOrder(checks) };
}

function unknownNames(checks: ReadonlyMap<string, ResolvedCheck>): ConfigurationFault[] {
  const names = [...checks.keys()];
  return [...checks].flatMap(([name, { dependsOn }]) =>
    dependsOn
      .filter((other) => !checks.has(other))
      .map((other) => {
        const near = nearest(other, names);
        const fault = {
          path: `healthChecks.checks.${name}.dependsOn`,
          expected: 'names of checks',
          received: `'${other}'`,
        };
        return near === undefined ? fault : { ...fault, hint: `did you mean ${near}?` };
      }),
  );
}

/** @throws ConfigurationError when checks depend on each other in a circle. */
function inOrder(checks: ReadonlyMap<string, ResolvedCheck>): ReadonlyMap<string, ResolvedCheck> {
  const ordered = new Map<string, ResolvedCheck>();
  const visit = (name: string, above: readonly string[]): void => {
    if (ordered.has(name)) return;
    if (above.includes(name)) {
      const circle = [...above.slice(above.indexOf(name)), name].join(' → ');
      const path = `healthChecks.checks.${name}.dependsOn`;
      throw new ConfigurationError([{ path, expected: 'no circle', received: circle }]);
    }
    const check = checks.get(name)!;
    for (const other of check.dependsOn) visit(other, [...above, name]);
    ordered.set(name, check);
  };
  for (const name of checks.keys()) visit(name, []);
  return ordered;
}
