import type { WallMs } from '../clock/clock.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CircuitOpenError } from '../circuit-breaker/errors.ts';
import { TimeoutError } from '../timeout/errors.ts';
import { BreakwaterError, isBreakwaterError } from './breakwater-error.ts';
import { ConfigurationError } from './configuration-error.ts';
import { warnDeprecated } from './deprecation.ts';
import { captureRejectionStacks, withoutStack } from './rejection.ts';

const full = () =>
  new BreakwaterError('too much', {
    code: 'BUSY',
    category: 'rate_limit',
    policy: 'stock',
    retryAfterMs: 1_200,
    details: { limit: 5 },
    timestamp: Date.UTC(2026, 0, 1) as WallMs,
    cause: new Error('secret'),
  });

describe('an error of Breakwater', () => {
  it('is an error with code, category, policy and a wait, and a name of its own class', () => {
    const error = full();
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'BreakwaterError',
      code: 'BUSY',
      category: 'rate_limit',
      policy: 'stock',
      retryAfterMs: 1_200,
    });
    expect(new TimeoutError('t', 5).name).toBe('TimeoutError');
    expect(`${new CircuitOpenError('stock', 5)}`).toBe('CircuitOpenError: the circuit is open (stock)');
    expect(Object.keys(error)).not.toContain('name');
    expect('cause' in new BreakwaterError('x', { code: 'X', category: 'internal' })).toBe(false);
  });

  it('is, as JSON, fit for a response: no stack, no cause, the wait in whole seconds', () => {
    expect(JSON.parse(JSON.stringify(full()))).toEqual({
      error: {
        category: 'rate_limit',
        code: 'BUSY',
        message: 'too much',
        details: { policy: 'stock', limit: 5 },
        timestamp: '2026-01-01T00:00:00.000Z',
      },
      retry_after: 2,
    });
    expect(new BreakwaterError('x', { code: 'X', category: 'internal' }).toJSON()).toEqual({
      error: {
        category: 'internal',
        code: 'X',
        message: 'x',
        details: {},
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    });
  });

  it('is recognised across copies of the library by its brand, and by its code where one is asked for', () => {
    const foreign = { [Symbol.for('breakwater.error')]: true, code: 'TIMEOUT' };
    expect([
      isBreakwaterError(foreign),
      isBreakwaterError(foreign, 'TIMEOUT'),
      isBreakwaterError(foreign, 'BUSY'),
    ]).toEqual([true, true, false]);
    expect(isBreakwaterError(full(), 'BUSY')).toBe(true);
    for (const other of [new Error('x'), null, undefined, 'TIMEOUT', { code: 'TIMEOUT' }])
      expect(isBreakwaterError(other)).toBe(false);
  });
});

describe('a configuration error', () => {
  it('lists all faults, one on a line, with path, expectation, what came and a hint', () => {
    const error = new ConfigurationError([
      { path: 'retry.maxAttempts', expected: 'an integer of at least 1', received: '0' },
      {
        path: 'retry.backof',
        expected: 'one of backoff',
        received: 'an unknown option',
        hint: 'did you mean backoff?',
      },
    ]);
    expect(error.message).toBe(
      'retry.maxAttempts: expected an integer of at least 1, received 0\n' +
        'retry.backof: expected one of backoff, received an unknown option (did you mean backoff?)',
    );
    expect(error.toJSON().error.details).toEqual({ faults: error.faults });
  });
});

describe('a rejection by a policy', () => {
  afterEach(() => captureRejectionStacks(false));

  it('has no stack, and leaves those of other errors alone', () => {
    const error = withoutStack(() => new CircuitOpenError('stock', 5));
    expect(error.stack ?? '').not.toMatch(/\n\s+at /);
    expect(() =>
      withoutStack(() => {
        throw new TypeError('bug');
      }),
    ).toThrow(TypeError);
    expect(new Error('x').stack).toMatch(/errors\.test/);
  });

  it('has one when stacks were asked for', () => {
    captureRejectionStacks(true);
    expect(withoutStack(() => new CircuitOpenError('stock', 5)).stack).toMatch(/errors\.test/);
  });
});

describe('a deprecation', () => {
  it('is warned of once per process, with the version and the replacement, where the platform has a place for it', () => {
    const emitWarning = vi.fn();
    vi.stubGlobal('process', { emitWarning });
    for (let n = 0; n < 3; n++)
      warnDeprecated({ what: 'retry({ maxRetries })', since: '0.2', instead: 'retry({ maxAttempts })' });
    vi.unstubAllGlobals();
    expect(emitWarning.mock.calls).toEqual([
      [
        'retry({ maxRetries }) is deprecated since 0.2; use retry({ maxAttempts })',
        'DeprecationWarning',
        'BREAKWATER_DEPRECATED',
      ],
    ]);
  });

  it('is warned of on the console elsewhere', () => {
    const warn = vi.fn();
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('console', { warn });
    warnDeprecated({ what: 'old()', since: '0.3', instead: 'fresh()' });
    vi.unstubAllGlobals();
    expect(warn).toHaveBeenCalledWith('DeprecationWarning: old() is deprecated since 0.3; use fresh()');
  });
});
