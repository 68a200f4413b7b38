/**
 * The state of a breaker as data, for another process to go on from. Monotonic times mean nothing there, so it says how
 * long things had lasted, or had yet to last, and when that was by the wall clock.
 */
import type { Clock } from '../clock/clock.ts';
import { resolveOptions } from '../options/resolve.ts';
import { flag, integer, milliseconds, number, oneOf, type Rule, type Rules } from '../options/rules.ts';
import type { CircuitState } from './events.ts';
import { HalfOpen, type ProbeRules } from './half-open.ts';
import type { BreakerState } from './states.ts';

/** What a breaker tells of itself by `toJSON`, and another takes by `hydrate`. */
export interface CircuitSnapshot {
  /** The form of this data. */
  readonly version: 1;
  readonly state: CircuitState;
  /** When it was taken, by the wall clock, in milliseconds since 1970. */
  readonly savedAt: number;
  readonly timeInStateMs: number;
  readonly halfOpenAttempts: number;
  /** When it opened last, by the wall clock; undefined when it never has. */
  readonly openedAt?: number | undefined;
  /** Of an open breaker: how long the break was. */
  readonly breakMs?: number | undefined;
  /** Of an open breaker: what was left of the break. */
  readonly retryAfterMs?: number | undefined;
  /** Of a closed breaker: whether it let only a share of the calls through as yet. */
  readonly ramping?: boolean | undefined;
  /** Of an isolated breaker: the reasons of its holders. */
  readonly reasons?: readonly string[] | undefined;
  /** What its trip rule had counted. */
  readonly window?: WindowSnapshot | undefined;
}

/** What a trip rule had counted. */
export interface WindowSnapshot {
  /** The kind of the rule. */
  readonly rule: string;
  readonly counts: readonly number[];
}

const listOf = <T>(expected: string, accepts: (value: unknown) => boolean): Rule<readonly T[]> => ({
  expected: `a list of ${expected}`,
  accepts: (value): value is readonly T[] => Array.isArray(value) && value.every((element) => accepts(element)),
});

const counts = listOf<number>('numbers', Number.isFinite);
const windowSnapshot: Rule<WindowSnapshot> = {
  expected: 'what a trip rule has saved: an object with rule and counts',
  accepts: (value): value is WindowSnapshot => {
    const { rule, counts: saved } = (value ?? {}) as Partial<WindowSnapshot>;
    return typeof rule === 'string' && counts.accepts(saved);
  },
};

const wallTime = number(-8.64e15, 8.64e15);
const rules: Rules<CircuitSnapshot> = {
  version: { expected: '1', accepts: (value): value is 1 => value === 1 },
  state: oneOf('closed', 'open', 'half-open', 'isolated'),
  savedAt: wallTime,
  timeInStateMs: milliseconds(),
  halfOpenAttempts: integer(0),
  openedAt: wallTime,
  breakMs: milliseconds(),
  retryAfterMs: milliseconds(),
  ramping: flag(),
  reasons: listOf<string>('strings', (value) => typeof value === 'string'),
  window: windowSnapshot,
};

const always = ['version', 'state', 'savedAt', 'timeInStateMs', 'halfOpenAttempts'] as const;
const whileOpen = ['breakMs', 'retryAfterMs'] as const;

/**
 * Checks data that is to be a snapshot.
 *
 * @throws ConfigurationError
 */
export function checkSnapshot(given: CircuitSnapshot): CircuitSnapshot {
  const state = (given as Partial<CircuitSnapshot> | null | undefined)?.state;
  const more = state === 'open' ? whileOpen : state === 'isolated' ? (['reasons'] as const) : [];
  return resolveOptions('snapshot', given, {}, rules, [...always, ...more]);
}

/** How long ago a snapshot was taken. A wall clock that went back since does not make it younger than new. */
export function ageOf({ savedAt }: CircuitSnapshot, clock: Clock): number {
  return Math.max(0, clock.wallTime() - savedAt);
}

/** The state that a snapshot has become by now: an open breaker waits what is left of its break. */
export function stateOf(snapshot: CircuitSnapshot, clock: Clock, probeRules: ProbeRules): BreakerState {
  const { state, timeInStateMs, breakMs, retryAfterMs, ramping = false, reasons } = snapshot;
  const now = clock.now();
  const ageMs = ageOf(snapshot, clock);
  const since = now - timeInStateMs - ageMs;
  if (state === 'open')
    return { kind: 'open', since, breakMs: breakMs!, reopensAt: now + Math.max(0, retryAfterMs! - ageMs) };
  if (state === 'half-open') return new HalfOpen(since, probeRules);
  if (state === 'closed') return { kind: 'closed', since, ramping };
  // Nobody in this process holds them: only a reset lets go.
  return { kind: 'isolated', since, holders: new Map(reasons!.map((reason) => [() => undefined, reason])) };
}
