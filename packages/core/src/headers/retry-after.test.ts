import { describe, expect, it } from 'vitest';
import type { WallMs } from '../clock/clock.ts';
import { parseQuotas, parseRetryAfter, retryAfterMs } from './index.ts';

const now = Date.UTC(2026, 0, 1) as WallMs;

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    [' 1.5 ', 1_500],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
    ['Thu Jan  1 00:01:00 2026', 60_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ])('%s is %i ms', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });

  it.each([
    '',
    'soon',
    '-1',
    '5s',
    '1e9',
    '2026',
    '1 2',
    'Thu, 01 Foo 2026 00:01:00 GMT',
    'Thu, 01 Jan 2026 25:01:00 GMT',
    '9'.repeat(400),
  ])('that says nothing valid makes up no wait: %s', (value) => {
    if (value === '2026') expect(parseRetryAfter(value, now)).toBe(2_026_000);
    else expect(parseRetryAfter(value, now)).toBeUndefined();
  });

  it('takes a year of two digits as the nearest that is not far ahead', () => {
    expect(parseRetryAfter('Sunday, 06-Nov-94 08:49:37 GMT', now)).toBe(0);
  });
});

describe('what a refusal says about when to come back', () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'Retry-After': '2' }, 2_000],
    [{ 'retry-after': 'soon', 'x-ratelimit-reset': '3' }, 3_000],
    [{ ratelimit: '"burst";r=0;t=5, "day";r=10;t=900' }, 5_000],
    [{ ratelimit: 'limit=100, remaining=0, reset=30' }, 30_000],
    [{ 'ratelimit-limit': '100', 'ratelimit-remaining': '0', 'ratelimit-reset': '7' }, 7_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1_000 + 60) }, 60_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 1_500) }, 1_500],
    [
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '12ms',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      360_000,
    ],
    [
      { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '2026-01-01T00:00:09Z' },
      9_000,
    ],
    [{ 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': '60' }, undefined],
    [{ 'x-ratelimit-limit': '100' }, undefined],
    [{}, undefined],
  ])('%o: %s ms', (headers, expected) => {
    expect(retryAfterMs(headers, now, 429)).toBe(expected);
    expect(retryAfterMs(new Headers(headers), now)).toBe(expected);
  });

  it('is not read from the limits of a response that is no refusal', () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3' };
    expect(retryAfterMs(headers, now, 500)).toBeUndefined();
    expect(retryAfterMs({ ...headers, 'retry-after': '1' }, now, 500)).toBe(1_000);
  });
});

describe('the limits of a server', () => {
  it('are read with their names, sizes and windows (draft 8)', () => {
    const headers = {
      ratelimit: '"burst";r=3;t=5',
      'ratelimit-policy': '"burst";q=100;w=60, "day, all";q=5000;w=86400',
    };
    expect(parseQuotas(headers, now)).toEqual([
      { name: 'burst', limit: 100, remaining: 3, resetMs: 5_000, windowMs: 60_000 },
    ]);
  });

  it('are read from draft 7 and draft 6', () => {
    const expected = { name: 'default', limit: 100, remaining: 9, resetMs: 30_000 };
    expect(parseQuotas({ ratelimit: 'limit=100, remaining=9, reset=30', 'ratelimit-policy': '100;w=60' }, now)).toEqual(
      [{ ...expected, windowMs: 60_000 }],
    );
    const plain = { 'ratelimit-limit': '100, 100;w=60', 'ratelimit-remaining': '9', 'ratelimit-reset': '30' };
    expect(parseQuotas(plain, now)).toEqual([{ ...expected, windowMs: undefined }]);
  });

  it('are empty where a server tells none', () => {
    expect(parseQuotas(new Headers({ 'content-type': 'text/plain' }), now)).toEqual([]);
    expect(parseQuotas({ ratelimit: ';;,="' }, now).every(({ resetMs }) => resetMs === undefined)).toBe(true);
  });
});
