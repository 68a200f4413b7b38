import { describe, expect, it } from 'vitest';
import type { ConfigurationError } from '../errors/configuration-error.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { describe as inWords, nearest, resolveOptions } from './resolve.ts';
import {
  anything,
  callable,
  count,
  either,
  flag,
  implementing,
  integer,
  milliseconds,
  number,
  oneOf,
  positiveMilliseconds,
  positiveNumber,
  ratio,
  type Rule,
  text,
} from './rules.ts';

interface Options {
  readonly size?: number | undefined;
  readonly name?: string | undefined;
}
const rules = { size: integer(1), name: text() };

function faultsOf(make: () => unknown): ConfigurationError['faults'] {
  try {
    make();
  } catch (error) {
    return (error as ConfigurationError).faults;
  }
  return [];
}

describe('options', () => {
  it('are filled in with defaults and frozen; one that is undefined counts as not given', () => {
    const resolved = resolveOptions<Options, { size: number }>(
      'pool',
      { size: undefined, name: 'a' },
      { size: 5 },
      rules,
    );
    expect(resolved).toEqual({ size: 5, name: 'a' });
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(resolveOptions<Options, { size: number }>('pool', undefined, { size: 5 }, rules)).toEqual({ size: 5 });
  });

  it('are refused with all their faults at once, unknown keys with the nearest known one', () => {
    const given = { size: 0, nmae: 'a', constructor: 1, somethingElse: 2 };
    expect(faultsOf(() => resolveOptions<Options, object>('pool', given as never, {}, rules, ['name']))).toEqual([
      { path: 'pool.size', expected: 'an integer of at least 1', received: '0' },
      { path: 'pool.nmae', expected: 'one of size, name', received: 'an unknown option', hint: 'did you mean name?' },
      { path: 'pool.constructor', expected: 'one of size, name', received: 'an unknown option' },
      { path: 'pool.somethingElse', expected: 'one of size, name', received: 'an unknown option' },
      { path: 'pool.name', expected: 'a string that is not empty', received: 'nothing' },
    ]);
  });

  it.each([[null], ['1s'], [[]], [5]])('that are no object (%o) are refused, not taken for something', (given) => {
    expect(faultsOf(() => resolveOptions<Options, object>('pool', given as never, {}, rules))).toMatchObject([
      { path: 'pool' },
    ]);
  });

  it('that are required and wrong are one fault, not two', () => {
    expect(faultsOf(() => resolveOptions<Options, object>('pool', { size: 0 }, {}, rules, ['size']))).toHaveLength(1);
  });
});

describe('rules', () => {
  const table: readonly [string, Rule<unknown>, readonly unknown[], readonly unknown[]][] = [
    ['milliseconds', milliseconds(), [0, 1.5], [-1, Infinity, Number.NaN, '1']],
    ['milliseconds in a range', milliseconds(5, 10), [5, 10], [4, 11]],
    ['positiveMilliseconds', positiveMilliseconds(), [0.1, 1e12], [0, -1, Infinity, Number.NaN]],
    ['integer', integer(1, 3), [1, 3], [0, 4, 1.5, '2']],
    ['count', count(1), [1, Infinity], [0, -Infinity, 1.5]],
    ['number', number(0, 1), [0, 0.5], [2, Infinity, '0']],
    ['positiveNumber', positiveNumber(), [0.1], [0, -1, Infinity]],
    ['ratio', ratio(), [0.01, 1], [0, 1.1, Number.NaN]],
    ['oneOf', oneOf('a', 'b'), ['a'], ['c', 1]],
    ['text', text(), ['x'], ['', 1]],
    ['flag', flag(), [true, false], [0, 'true']],
    ['callable', callable(), [() => 1], [{}]],
    ['implementing', implementing<{ run(): void }>('a runner', 'run'), [{ run: () => 1 }], [{}, null, () => 1]],
    ['anything', anything(), [undefined, 1], []],
    ['either', either(text(), flag()), ['x', true], [1, '']],
  ];
  it.each(table)('%s', (_name, rule, right, wrong) => {
    for (const value of right) expect(rule.accepts(value)).toBe(true);
    for (const value of wrong) expect(rule.accepts(value)).toBe(false);
    expect(rule.expected).not.toBe('');
  });

  it('say what they expect', () => {
    expect(either(milliseconds(5, 10), count(1)).expected).toBe(
      'a duration in milliseconds of at least 5 and at most 10, or an integer of at least 1, or Infinity',
    );
    expect([number(0, Infinity).expected, number(0, 1).expected, integer(1, 9).expected]).toEqual([
      'a number of at least 0',
      'a number of at least 0 and at most 1',
      'an integer of at least 1 and at most 9',
    ]);
  });
});

describe('words for values', () => {
  it('are short and never the whole content', () => {
    const values = ['a', 'x'.repeat(50), null, undefined, 5, true, 5n, [1, 2], () => 1, { secret: 1 }, Symbol('s')];
    expect(values.map(inWords)).toEqual([
      "'a'",
      `'${'x'.repeat(40)}…'`,
      'null',
      'undefined',
      '5',
      'true',
      '5n',
      'an array of 2',
      'a function',
      'an object',
      'a symbol',
    ]);
  });

  it('that are near enough to have been meant are found, others not', () => {
    expect([
      nearest('maxAttemps', ['maxAttempts', 'minMs']),
      nearest('MAXATTEMPTS', ['maxAttempts']),
      nearest('zzz', ['maxAttempts']),
    ]).toEqual(['maxAttempts', 'maxAttempts', undefined]);
  });
});

describe('durations', () => {
  it('are read with their unit', () => {
    expect(['250ms', '30s', '5m', '1h', '1d', '1.5s', ' 2s '].map((text_) => parseDuration(text_))).toEqual([
      250, 30_000, 300_000, 3_600_000, 86_400_000, 1_500, 2_000,
    ]);
  });

  it.each(['5', '', '-5s', '5 s', '1w', 's', '5S', '1e3ms'])('without a clear unit are refused: %s', (value) => {
    expect(faultsOf(() => parseDuration(value, '--timeout'))).toMatchObject([
      { path: '--timeout', received: `'${value}'` },
    ]);
    expect(() => parseDuration(value)).toThrow(/^duration: /);
  });

  it('are written in the largest units that say them briefly', () => {
    const written = [0, 250, 999.6, 1_500, 30_000, 59_960, 120_000, 125_000, 5_400_000, 259_200_000, 90_061_000].map(
      formatDuration,
    );
    expect(written).toEqual(['0ms', '250ms', '1s', '1.5s', '30s', '1m', '2m', '2m 5s', '1h 30m', '3d', '1d 1h']);
  });

  it('without end, or that are none, are written as such', () => {
    expect([Infinity, Number.NaN].map(formatDuration)).toEqual(['∞', '?']);
  });
});
