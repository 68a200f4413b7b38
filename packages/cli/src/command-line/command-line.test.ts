import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { delimiter, duration, rate, ratio, wholeNumber } from './quantities.ts';
import { resumeCommand } from './resume-command.ts';
import { runCommand } from './run-command.ts';
import type { RawRunOptions } from './run-options.ts';
import { runOptions } from './run-options.ts';

function options(...args: string[]) {
  let parsed: ReturnType<typeof runOptions> | undefined;
  const command = runCommand(args)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .action((input: string, raw: RawRunOptions) => void (parsed = runOptions(input, raw)));
  command.parse(args, { from: 'user' });
  return parsed;
}

describe('quantities', () => {
  it('are read with their units', () => {
    expect([
      duration(1, 1e9)('250ms'),
      duration(1, 1e9)('5m'),
      rate('600/m'),
      rate('10/s'),
      ratio(1)('.5'),
      delimiter('tab'),
    ]).toEqual([250, 300_000, { limit: 600, periodMs: 60_000 }, { limit: 10, periodMs: 1_000 }, 0.5, '\t']);
  });

  it.each([
    [() => wholeNumber(1, 1000)('0'), 'Expected a whole number, 1 to 1000.'],
    [() => wholeNumber(1, Infinity)('1.5'), 'Expected a whole number, 1 or more.'],
    [() => duration(1_000, 60_000)('5'), /Expected a duration from 1s to 1m/],
    [() => duration(1_000, 60_000)('2m'), /Expected a duration from 1s to 1m/],
    [() => rate('10'), /10\/s, 600\/m/],
    [() => ratio(1)('0'), /above 0, at most 1/],
  ])('out of range are refused with their range', (parse, message) => {
    expect(parse).toThrow(InvalidArgumentError);
    expect(parse).toThrow(message);
  });
});

describe('options of a run', () => {
  it('have defaults, and short forms for the usual ones', () => {
    expect(
      options('dir/words.csv', '-u', 'http://h/', '-c', '5', '-r', '600/m', '-o', 'x.csv', '-s', '/a'),
    ).toMatchObject({
      concurrency: 5,
      rate: { limit: 600, periodMs: 60_000 },
      burst: 1,
      out: 'x.csv',
      select: ['a'],
      maxAttempts: 5,
      timeoutMs: 30_000,
      start: 'new',
    });
    expect(options('dir/words.csv', '-u', 'http://h/')).toMatchObject({
      out: 'dir/words.results.jsonl',
      concurrency: 10,
      maxFailures: Infinity,
    });
    expect(options('w.csv', '-u', 'http://h/', '-b', '7', '--rate', '200/s', '--retry-failed')).toMatchObject({
      concurrency: 7,
      burst: 20,
      start: 'resume',
    });
  });

  it.each([
    [['--resume', '--fresh'], /contradict/],
    [['--burst', '3'], /--burst needs --rate/],
    [['--out', 'x.xlsx'], /\.jsonl or \.csv/],
    [['--select', 'a.b'], /RFC 6901/],
    [['--on-error', 'stop', '--max-failures', '3'], /--on-error stop/],
    [['--body', '@nowhere.json'], /cannot be read/],
  ])('%j are refused', (args, message) => {
    expect(() => options('w.csv', '-u', 'http://h/', ...args)).toThrow(message);
  });

  it('need a name for the output of a pipe', () => {
    expect(() => options('-', '-u', 'http://h/')).toThrow('--out is needed');
  });
});

it('the command that goes on can be pasted, says --resume once, and shows no credential', () => {
  const args = [
    'w.csv',
    '--fresh',
    '--body',
    `{"a":"it's"}`,
    '-H',
    'Authorization: Bearer s3cret',
    '--header=X-Api-Key: s3cret',
    '-H',
    'X-Id: 1',
  ];
  expect(resumeCommand(args, '--resume')).toBe(
    `breakwater run w.csv --body '{"a":"it'\\''s"}' -H 'Authorization: ***' '--header=X-Api-Key: ***' -H 'X-Id: 1' --resume`,
  );
});
