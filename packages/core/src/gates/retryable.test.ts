import { describe, expect, it } from 'vitest';
import { BreakwaterError } from '../errors/breakwater-error.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { isRetryable } from './retryable.ts';

const error = (category: 'validation' | 'internal', code: string): BreakwaterError =>
  new BreakwaterError('x', { category, code });

describe('another attempt can not mend', () => {
  it.each([
    ['a validation error', error('validation', 'BAD')],
    ['a configuration error', new ConfigurationError([])],
    ['the rejection of an open breaker', error('internal', 'CIRCUIT_OPEN')],
    ['the rejection of an isolated breaker', error('internal', 'CIRCUIT_ISOLATED')],
    ['a cost above the limit', error('internal', 'COST_TOO_LARGE')],
    ['an exhausted deadline', error('internal', 'DEADLINE_EXCEEDED')],
    ['a closed pipeline', error('internal', 'PIPELINE_CLOSED')],
    ['an error that says so itself', Object.assign(new Error('sent'), { retryable: false })],
    ['anything that says so itself', { retryable: false }],
  ])('%s', (_what, thrown) => {
    expect(isRetryable(thrown)).toBe(false);
  });
});

describe('another attempt may mend', () => {
  it.each([
    ['any other error', new Error('x')],
    ['what is no error at all', 'x'],
    ['undefined', undefined],
    ['null', null],
    ['a full bulkhead', error('internal', 'BULKHEAD_FULL')],
    ['an error that says so itself', Object.assign(new Error('x'), { retryable: true })],
  ])('%s', (_what, thrown) => {
    expect(isRetryable(thrown)).toBe(true);
  });
});
