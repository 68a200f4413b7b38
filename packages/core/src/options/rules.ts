/** A rule for one option: says what is expected, and whether a value is that. */
export interface Rule<T> {
  /** What is expected, as the end of a sentence: `an integer of at least 1`. */
  readonly expected: string;
  accepts(value: unknown): value is T;
}

/** A rule for each option of an options object. */
export type Rules<Options> = { readonly [Key in keyof Options]-?: Rule<Exclude<Options[Key], undefined>> };

function rule<T>(expected: string, accepts: (value: unknown) => boolean): Rule<T> {
  return { expected, accepts: accepts as (value: unknown) => value is T };
}

/** Whether it is a number from `least` to `most`, both included. */
const within = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

/** The greatest number of milliseconds, and of anything that is counted. */
const GREATEST = Number.MAX_SAFE_INTEGER;

const range = (least: number, most: number): string =>
  `of at least ${least}${most >= GREATEST ? '' : ` and at most ${most}`}`;

/** A finite duration in milliseconds of at least `least` and, where given, at most `most`. */
export function milliseconds(least: number = 0, most: number = GREATEST): Rule<number> {
  return rule(`a duration in milliseconds ${range(least, most)}`, (value) => within(value, least, most));
}

/** A duration in milliseconds above 0. */
export function positiveMilliseconds(): Rule<number> {
  return rule('a duration in milliseconds above 0', (value) => value !== 0 && within(value, 0, GREATEST));
}

/** An integer within a range. */
export function integer(least: number, most: number = GREATEST): Rule<number> {
  return rule(`an integer ${range(least, most)}`, (value) => Number.isSafeInteger(value) && within(value, least, most));
}

/** A count that may be without bound: an integer of at least `least`, or Infinity. */
export function count(least: number): Rule<number> {
  const bounded = integer(least);
  return rule(`${bounded.expected}, or Infinity`, (value) => value === Infinity || bounded.accepts(value));
}

/** A finite number within a range. */
export function number(least: number, most: number): Rule<number> {
  return rule(`a number ${range(least, most)}`, (value) => Number.isFinite(value) && within(value, least, most));
}

/** A finite number above 0. */
export function positiveNumber(): Rule<number> {
  return rule('a number above 0', (value) => value !== 0 && Number.isFinite(value) && within(value, 0, Infinity));
}

/** A ratio above 0 and at most 1. */
export function ratio(): Rule<number> {
  return rule('a ratio above 0 and at most 1', (value) => value !== 0 && within(value, 0, 1));
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(...words: Words): Rule<Words[number]> {
  const expected = `one of ${words.map((word) => `'${word}'`).join(', ')}`;
  return rule(expected, (value) => typeof value === 'string' && words.includes(value));
}

/** A string that is not empty. */
export function text(): Rule<string> {
  return rule('a string that is not empty', (value) => typeof value === 'string' && value !== '');
}

/** true or false. */
export function flag(): Rule<boolean> {
  return rule('true or false', (value) => typeof value === 'boolean');
}

/** A function. */
export function callable<T>(what = 'a function'): Rule<T> {
  return rule(what, (value) => typeof value === 'function');
}

/** An object that has these methods: how a port is checked. */
export function implementing<T>(what: string, ...methods: readonly (keyof T & string)[]): Rule<T> {
  return rule(`${what} (an object with ${methods.join(', ')})`, (value) => {
    if (typeof value !== 'object' || value === null) return false;
    return methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function');
  });
}

/** Anything at all. */
export function anything<T>(): Rule<T> {
  return rule('a value', () => true);
}

/** What either rule accepts. */
export function either<A, B>(first: Rule<A>, second: Rule<B>): Rule<A | B> {
  return rule(`${first.expected}, or ${second.expected}`, (value) => first.accepts(value) || second.accepts(value));
}
