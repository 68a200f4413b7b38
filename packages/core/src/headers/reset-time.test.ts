import { describe, expect, it } from 'vitest';
import type { WallMs } from '../clock/clock.ts';
import { parseResetTime } from './reset-time.ts';

const now = Date.UTC(2026, 0, 1) as WallMs;

describe('the time of a reset', () => {
  it.each([
    ['seconds from now', '7', 7_000],
    ['a fraction of a second', ' 0.5 ', 500],
    ['seconds since 1970', String(now / 1_000 + 60), 60_000],
    ['milliseconds since 1970', String(now + 1_500), 1_500],
    ['a duration as Go writes it', '1h2m3.5s', 3_723_500],
    ['a duration in days', '1d', 86_400_000],
    ['an ISO date', '2026-01-01T00:00:09Z', 9_000],
    ['a date as HTTP writes it', 'Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ])('is read as %s', (_title, value, expected) => {
    expect(parseResetTime(value, now)).toBe(expected);
  });

  it.each([
    ['seconds since 1970', String(now / 1_000 - 60)],
    ['milliseconds since 1970', String(now - 1)],
    ['an ISO date', '2025-12-31T23:59:59Z'],
    ['a date as HTTP writes it', 'Wed, 31 Dec 2025 00:00:00 GMT'],
  ])('that has passed, as %s, is now', (_title, value) => {
    expect(parseResetTime(value, now)).toBe(0);
  });

  it.each(['', 'soon', '-5', '5x', '2026-01-01Tnoon', '1e3', '9'.repeat(400)])('is not made up from %j', (value) => {
    expect(parseResetTime(value, now)).toBeUndefined();
  });
});
