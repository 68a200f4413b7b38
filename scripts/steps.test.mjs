import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Unavailable } from './bootstrap.mjs';
import { readFlags, runSteps } from './steps.mjs';

let lines;
beforeEach(() => {
  lines = [];
  vi.spyOn(console, 'log').mockImplementation((line) => lines.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => lines.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const good = { name: 'good', run: async () => ({ ok: true, output: 'much to say' }) };
const bad = { name: 'bad', run: async () => ({ ok: false, output: 'what went wrong' }) };
const tests = { name: 'tests', run: async () => ({ ok: true, output: '', passed: 40, failed: 0 }) };

describe('the steps of a test run', () => {
  it('add up to a last line of their own', async () => {
    await runSteps([good, tests]);
    expect(lines.at(-1)).toBe('41 passed, 0 failed');
    expect(process.exitCode).toBe(0);
  });

  it('show the output of a step that failed, and only of that, and go on', async () => {
    await runSteps([bad, good]);
    expect(lines).toContain('what went wrong');
    expect(lines).not.toContain('much to say');
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(process.exitCode).toBe(1);
  });

  it('count a step as failed that throws, or that breaks although its tests passed', async () => {
    const throwing = { name: 'throwing', run: () => Promise.reject(new Error('broken step')) };
    const crashed = { name: 'crashed', run: async () => ({ ok: false, output: 'crash', passed: 3, failed: 0 }) };
    await runSteps([throwing, crashed]);
    expect(lines.at(-1)).toBe('3 passed, 2 failed');
  });

  it('say why a step is not run, and count it neither way', async () => {
    const missing = { name: 'missing', run: () => Promise.reject(new Unavailable('no browser here')) };
    await runSteps([missing, bad, { ...good, needs: 'bad' }]);
    expect(lines).toContain('   not run: no browser here');
    expect(lines).toContain('   not run: the step "bad" failed');
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
  });

  it('do not run what needs a step that was itself not run', async () => {
    await runSteps([bad, { ...good, needs: 'bad' }, { ...tests, needs: 'good' }]);
    expect(lines).toContain('   not run: the step "good" was not run');
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
  });

  it('can be run one by one, together with those they need', async () => {
    const first = { ...good, name: 'first' };
    await runSteps([first, bad, { ...good, needs: 'first' }, { ...tests, needs: 'good' }], { only: 'tests' });
    expect(lines.at(-1)).toBe('42 passed, 0 failed');
    await runSteps([good], { only: 'typo' });
    expect(lines.at(-1)).toContain('No step is called "typo"');
    expect(process.exitCode).toBe(1);
  });

  it('refuse a flag that they do not know', () => {
    expect(readFlags(['--quick', '--only', 'unit'], ['--quick'])).toEqual({ quick: true, only: 'unit' });
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {});
    readFlags(['--quik'], ['--quick']);
    expect(lines.at(-1)).toContain('Unknown argument "--quik"');
    expect(exit).toHaveBeenCalledWith(1);
  });
});
