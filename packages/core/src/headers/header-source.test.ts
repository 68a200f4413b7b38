import { describe, expect, it } from 'vitest';
import { headerValue } from './header-source.ts';

describe('the value of a header', () => {
  it('is found in whatever shape headers come, under its name in any case', () => {
    for (const headers of [new Headers({ 'retry-after': '5' }), { 'retry-after': '5' }, { 'Retry-After': '5' }])
      expect(headerValue(headers, 'Retry-After')).toBe('5');
    expect(headerValue({ get: (name) => (name === 'x' ? ' 7 ' : null) }, 'x')).toBe('7');
  });

  it('is all values of one name, as one list', () => {
    expect(headerValue({ 'ratelimit-policy': ['10;w=1', '100;w=60'] }, 'RateLimit-Policy')).toBe('10;w=1, 100;w=60');
  });

  it('is none where the header is missing or empty', () => {
    expect([headerValue({}, 'x'), headerValue({ x: '  ' }, 'x'), headerValue({ x: [] }, 'x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(headerValue(new Headers(), 'x')).toBeUndefined();
  });
});
