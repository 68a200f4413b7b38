import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { describe, resolveOptions } from '../options/resolve.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { flag, implementing, positiveMilliseconds, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import { type Gathered, GatherRun, type GatherTask } from './gather-run.ts';

/** Options of {@link gatherWithTimeout}. */
export interface GatherOptions {
  /** How long all tasks together may take, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Whether failures are among the results (default), or the first one ends everything and is thrown. */
  readonly returnErrors?: boolean | undefined;
  /** Ends everything at once when aborted; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** The results of tasks, failures included: an array for an array, a record for a record. */
export type GatheredResults<Tasks> = {
  -readonly [Key in keyof Tasks]: Tasks[Key] extends GatherTask<infer R> ? Gathered<Awaited<R>> : never;
};

/** The values of tasks that have all succeeded. */
export type GatheredValues<Tasks> = {
  -readonly [Key in keyof Tasks]: Tasks[Key] extends GatherTask<infer R> ? Awaited<R> : never;
};

/** The defaults of gatherWithTimeout. */
export const gatherDefaults: { readonly timeoutMs: number; readonly returnErrors: boolean } = Object.freeze({
  timeoutMs: 30_000,
  returnErrors: true,
});

const rules: Rules<GatherOptions> = {
  timeoutMs: positiveMilliseconds(),
  returnErrors: flag(),
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
  clock: policyOptionRules.clock,
};

/**
 * Starts all tasks at once and gives their results in the order given, when all have ended or the time is up. A task
 * that is late then has its signal aborted; its result is a GatherTimeoutError that names it. A task's name is its key
 * in a record; in an array its function's name, or `#` and its position.
 *
 * With `returnErrors: false` the first failure aborts the others and is thrown; when the time is up, one
 * GatherTimeoutError that names all that are late.
 *
 * @throws ConfigurationError
 */
export function gatherWithTimeout<const Tasks extends readonly GatherTask[] | Readonly<Record<string, GatherTask>>>(
  tasks: Tasks,
  options: GatherOptions & { readonly returnErrors: false },
): Promise<GatheredValues<Tasks>>;
export function gatherWithTimeout<const Tasks extends readonly GatherTask[] | Readonly<Record<string, GatherTask>>>(
  tasks: Tasks,
  options?: GatherOptions & { readonly returnErrors?: true | undefined },
): Promise<GatheredResults<Tasks>>;
export async function gatherWithTimeout(
  tasks: readonly GatherTask[] | Readonly<Record<string, GatherTask>>,
  given?: GatherOptions,
): Promise<unknown> {
  const options = resolveOptions('gatherWithTimeout', given, gatherDefaults, rules);
  const named = namesOf(tasks);
  const wrong = named.find(([, task]) => typeof task !== 'function');
  if (wrong !== undefined) {
    const [name, task] = wrong;
    throw new ConfigurationError([
      { path: `gatherWithTimeout.${name}`, expected: 'a function', received: describe(task) },
    ]);
  }
  const results = await new GatherRun(named, options.clock ?? systemClock, options).start();
  if (Array.isArray(tasks)) return results;
  return Object.fromEntries(results.map((result, index) => [named[index]![0], result]));
}

function namesOf(tasks: readonly GatherTask[] | Readonly<Record<string, GatherTask>>): [string, GatherTask][] {
  if (!Array.isArray(tasks)) return Object.entries(tasks);
  return (tasks as readonly GatherTask[]).map((task, index) => [
    typeof task === 'function' && task.name !== '' ? task.name : `#${index}`,
    task,
  ]);
}
