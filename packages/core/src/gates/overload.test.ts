import { describe, expect, it } from 'vitest';
import { BreakwaterError } from '../errors/breakwater-error.ts';
import type { ErrorCategory } from '../errors/category.ts';
import { isOverload } from './overload.ts';

const ours = (category: ErrorCategory, code = 'X'): Error => new BreakwaterError('down', { code, category });
const theirs = (details: object): Error => Object.assign(new Error('down'), details);

describe('an overload', () => {
  it.each([
    ['a timeout of ours', ours('timeout')],
    ['a rate limit', ours('rate_limit')],
    ['a full bulkhead', ours('bulkhead')],
    ['a broken connection', ours('network')],
    ['HTTP 503 of resilientFetch', ours('external_service', 'HTTP_503')],
    ['a timeout of the platform', new DOMException('too slow', 'TimeoutError')],
    ['a status 429', theirs({ status: 429 })],
    ['a statusCode 503', theirs({ statusCode: 503 })],
    ['a refused connection', theirs({ code: 'ECONNREFUSED' })],
    ['a fetch that failed for a reset', new TypeError('fetch failed', { cause: theirs({ code: 'ECONNRESET' }) })],
  ])('is told by %s', (_what, error) => {
    expect(isOverload(error)).toBe(true);
  });

  it.each([
    ['an open breaker', ours('circuit_breaker')],
    ['a refused request', ours('validation', 'HTTP_404')],
    ['HTTP 500', ours('external_service', 'HTTP_500')],
    ['a status 500', theirs({ status: 500, statusCode: 500 })],
    ['a missing file', theirs({ code: 'ENOENT', cause: null })],
    ['a bug', new TypeError('x is not a function', { cause: new Error('why') })],
    ['a word', 'TimeoutError'],
    ['nothing', undefined],
    ['null', null],
  ])('is not told by %s', (_what, error) => {
    expect(isOverload(error)).toBe(false);
  });
});
