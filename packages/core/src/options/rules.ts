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

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

/** A finite duration in milliseconds of at least `least` and, where given, at most `most`. */
export function milliseconds(least: number = 0, most: number = Number.MAX_SAFE_INTEGER): Rule<number> {
  const upper = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`;
  const expected = `a duration in milliseconds of at least ${least}${upper}`;
  return rule(expected, (value) => isNumber(value) && value >= least && value <= most);
}

/** A duration in milliseconds above 0. */
export function positiveMilliseconds(): Rule<number> {
  const expected = 'a duration in milliseconds above 0';
  return rule(expected, (value) => isNumber(value) && value > 0 && value <= Number.MAX_SAFE_INTEGER);
}

/** An integer within a range. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Rule<number> {
  const upper = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`;
  const expected = `an integer of at least ${least}${upper}`;
  return rule(
    expected,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

/** A count that may be without bound: an integer of at least `least`, or Infinity. */
export function count(least: number): Rule<number> {
  const bounded = integer(least);
  return rule(`${bounded.expected}, or Infinity`, (value) => value === Infinity || bounded.accepts(value));
}

/** A finite number within a range. */
export function number(least: number, most: number): Rule<number> {
  const upper = most === Infinity ? '' : ` and at most ${most}`;
  return rule(
    `a number of at least ${least}${upper}`,
    (v) => Number.isFinite(v) && (v as number) >= least && (v as number) <= most,
  );
}

/** A finite number above 0. */
export function positiveNumber(): Rule<number> {
  return rule('a number above 0', (value) => Number.isFinite(value) && (value as number) > 0);
}

/** A ratio above 0 and at most 1. */
export function ratio(): Rule<number> {
  return rule('a ratio above 0 and at most 1', (value) => isNumber(value) && value > 0 && value <= 1);
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
