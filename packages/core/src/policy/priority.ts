/** How urgent a call is, the most urgent first; `medium` is another name of `normal`. */
export type Priority = 'critical' | 'high' | 'normal' | 'medium' | 'low' | 'batch';

/** How many levels there are. */
export const PRIORITY_LEVELS = 5;

const LEVELS: Readonly<Record<Priority, number>> = Object.freeze({
  critical: 0,
  high: 1,
  normal: 2,
  medium: 2,
  low: 3,
  batch: 4,
});

/** The level of a priority: 0 for critical to 4 for batch. */
export function priorityLevel(priority: Priority): number {
  return LEVELS[priority];
}

const BY_LEVEL: readonly Priority[] = Object.freeze(['critical', 'high', 'normal', 'low', 'batch']);

/** The priority of a level: what {@link priorityLevel} is the other way round. */
export function priorityOf(level: number): Priority {
  return BY_LEVEL[level]!;
}

/** The words that are priorities: some mean the same level. */
export const PRIORITIES: readonly Priority[] = Object.freeze(Object.keys(LEVELS) as Priority[]);
