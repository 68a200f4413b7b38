import { ConfigurationError } from '../errors/configuration-error.ts';
import { eventLoopDelay } from '../load/event-loop-delay.ts';
import type { LoadSource } from '../load/load-source.ts';
import { describe, type Resolved, resolveOptions } from '../options/resolve.ts';
import { number, type Rule, type Rules } from '../options/rules.ts';
import { type PolicyOptions, policyOptionRules } from '../policy/policy-base.ts';
import type { Priority } from '../policy/priority.ts';

/** A priority by its one name: `medium` is another of `normal`. */
export type SheddingPriority = Exclude<Priority, 'medium'>;

/** Options of load shedding. */
export interface SheddingOptions extends PolicyOptions {
  /**
   * What the load is measured by; the highest of them counts. Default: the delay of the event loop, of which 100
   * milliseconds are a load of 1.
   */
  readonly sources?: readonly LoadSource[] | undefined;
  /**
   * Above which load calls of a priority begin to be refused: numbers above 0, or Infinity for never, and none below
   * that of a less urgent priority. A priority that is left out is refused where it is by default.
   */
  readonly refuseAbove?: Readonly<Partial<Record<SheddingPriority, number>>> | undefined;
  /**
   * How much more load it takes until all calls of a priority are refused, as a ratio of where it begins: between, chance
   * decides, so that load falls gently and does not swing. At least 0, which refuses all at once; default 0.5.
   */
  readonly rampRatio?: number | undefined;
}

/** The defaults of load shedding. */
export const sheddingDefaults: {
  readonly refuseAbove: Readonly<Record<SheddingPriority, number>>;
  readonly rampRatio: number;
} = Object.freeze({
  refuseAbove: { batch: 0.5, low: 0.75, normal: 1, high: 1.5, critical: Infinity },
  rampRatio: 0.5,
});

/** From the least urgent on. */
const PRIORITIES: readonly SheddingPriority[] = ['batch', 'low', 'normal', 'high', 'critical'];

const sourcesRule: Rule<readonly LoadSource[]> = {
  expected: 'a list of sources of load (objects with name and createReader), one at least',
  accepts: (value: unknown): value is readonly LoadSource[] =>
    Array.isArray(value) && value.length > 0 && value.every((each) => isSource(each)),
};

function isSource(value: unknown): boolean {
  const { name, createReader } = Object(value) as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof createReader === 'function';
}

const refuseAboveRule: Rule<Readonly<Partial<Record<SheddingPriority, number>>>> = {
  expected: `an object with numbers above 0 by priority (${PRIORITIES.join(', ')})`,
  accepts: (value: unknown): value is Readonly<Partial<Record<SheddingPriority, number>>> =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, load]) =>
        (PRIORITIES as readonly string[]).includes(name) &&
        (load === undefined || (typeof load === 'number' && load > 0)),
    ),
};

const rules: Rules<SheddingOptions> = Object.freeze({
  ...policyOptionRules,
  sources: sourcesRule,
  refuseAbove: refuseAboveRule,
  rampRatio: number(0, Infinity),
});

/** Options of load shedding, complete and possible. */
export type ResolvedSheddingOptions = Resolved<SheddingOptions, typeof sheddingDefaults> & {
  readonly sources: readonly LoadSource[];
  readonly refuseAbove: Readonly<Record<SheddingPriority, number>>;
};

/** @throws ConfigurationError with all faults at once. */
export function resolveSheddingOptions(given: SheddingOptions): ResolvedSheddingOptions {
  const options = resolveOptions('shedding', given, sheddingDefaults, rules);
  const refuseAbove: Record<SheddingPriority, number> = { ...sheddingDefaults.refuseAbove };
  for (const name of PRIORITIES) refuseAbove[name] = options.refuseAbove[name] ?? refuseAbove[name];
  const faults = PRIORITIES.slice(1).flatMap((name, index) => {
    const less = PRIORITIES[index]!;
    if (refuseAbove[name] >= refuseAbove[less]) return [];
    const expected = `a number of at least ${refuseAbove[less]}, which is that of ${less}`;
    return [{ path: `shedding.refuseAbove.${name}`, expected, received: describe(refuseAbove[name]) }];
  });
  if (faults.length > 0) throw new ConfigurationError(faults);
  const sources = Object.freeze([...(options.sources ?? [eventLoopDelay()])]);
  return Object.freeze({ ...options, sources, refuseAbove: Object.freeze(refuseAbove) });
}
