/** What is asked of a limiter, checked. */
import { type Priority, priorityLevel } from '../policy/priority.ts';
import type { ResolvedLimit } from './limit-options.ts';

const NORMAL = priorityLevel('normal');

/** @throws RangeError when the priority is none. */
export function levelOf(priority: Priority | undefined): number {
  if (priority === undefined) return NORMAL;
  const level = priorityLevel(priority) as number | undefined;
  if (level === undefined) throw new RangeError(`not a priority: ${priority}`);
  return level;
}

/** @throws RangeError when the wait is none. */
export function checkedWaitMs(maxWaitMs: number | undefined): number {
  if (maxWaitMs === undefined) return Infinity;
  if (maxWaitMs >= 0) return maxWaitMs;
  throw new RangeError(`maxWaitMs must be a number of at least 0, not ${maxWaitMs}`);
}

/** Where the limit of this name stands; without a name, where the only one does. @throws RangeError when there is none. */
export function indexOfLimit(limits: readonly ResolvedLimit[], limitName: string | undefined): number {
  const names = limits.map(({ name }) => name);
  const index = limitName === undefined ? (limits.length > 1 ? -1 : 0) : names.indexOf(limitName);
  if (index < 0) throw new RangeError(`no limit is called ${limitName}; there is ${names.join(', ')}`);
  return index;
}

/** @throws RangeError when a ban can't last so long. */
export function checkBan(durationMs: number): void {
  if (!(durationMs > 0)) throw new RangeError(`the duration of a ban must be above 0, not ${durationMs}`);
}
