import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import type { Rule, Rules } from './rules.ts';

/** The options after resolution: those with a default are always there. */
export type Resolved<Options, Defaults> = Readonly<
  Omit<Options, keyof Defaults> & { [Key in keyof Options & keyof Defaults]-?: Exclude<Options[Key], undefined> }
>;

/**
 * Checks options and fills in the defaults, once, when a policy is made. An option that is undefined counts as not
 * given; an unknown key is a fault.
 *
 * @param path What the options belong to, the beginning of every fault's path: `retry`.
 * @throws ConfigurationError with all faults at once.
 */
export function resolveOptions<Options extends object, Defaults extends Partial<Options>>(
  path: string,
  given: Options | undefined,
  defaults: Defaults,
  rules: Rules<Options>,
  required: readonly (keyof Options & string)[] = [],
): Resolved<Options, Defaults> {
  const faults: ConfigurationFault[] = [];
  const resolved: Record<string, unknown> = { ...defaults };
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new ConfigurationError([{ path, expected: 'an object with options', received: describe(given) }]);
  }
  for (const [key, value] of Object.entries(given ?? {})) {
    const rule = (rules as Readonly<Record<string, Rule<unknown>>>)[key];
    if (!Object.hasOwn(rules, key) || rule === undefined) faults.push(unknownKey(path, key, Object.keys(rules)));
    else if (value === undefined) continue;
    else if (rule.accepts(value)) resolved[key] = value;
    else faults.push({ path: `${path}.${key}`, expected: rule.expected, received: describe(value) });
  }
  for (const key of required) {
    if (resolved[key] !== undefined || faults.some((fault) => fault.path === `${path}.${key}`)) continue;
    faults.push({ path: `${path}.${key}`, expected: rules[key].expected, received: 'nothing' });
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return Object.freeze(resolved) as Resolved<Options, Defaults>;
}

function unknownKey(path: string, key: string, known: readonly string[]): ConfigurationFault {
  const near = nearest(key, known);
  const fault = { path: `${path}.${key}`, expected: `one of ${known.join(', ')}`, received: 'an unknown option' };
  return near === undefined ? fault : { ...fault, hint: `did you mean ${near}?` };
}

/** The known word that differs least from `word`, when it is near enough to have been meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance: how many letters must be added, dropped or changed. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

/** A value as a short word for an error message; never its whole content. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' || typeof value === 'symbol' ? `a ${typeof value}` : String(value);
}
