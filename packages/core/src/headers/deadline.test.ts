import { describe, expect, it } from 'vitest';
import { formatDeadline, formatTraceparent, parseDeadline, parseTraceparent } from './index.ts';

describe('the deadline header', () => {
  it('carries what is left, rounded down, and nothing when there is no deadline', () => {
    expect(formatDeadline(1_500.9)).toBe('1500');
    expect(formatDeadline(-3)).toBe('0');
    expect(formatDeadline(Infinity)).toBeUndefined();
  });

  it('is read only where it is a whole number of milliseconds', () => {
    expect(parseDeadline('1500')).toBe(1_500);
    for (const value of [undefined, null, '', '-1', '1.5', '1s', 'NaN', '9'.repeat(20)])
      expect(parseDeadline(value)).toBeUndefined();
  });
});

describe('traceparent', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const parentId = '00f067aa0ba902b7';

  it('is read and written', () => {
    const header = `00-${traceId}-${parentId}-01`;
    expect(parseTraceparent(header)).toEqual({ traceId, parentId, sampled: true });
    expect(formatTraceparent({ traceId, parentId, sampled: true })).toBe(header);
    expect(parseTraceparent(formatTraceparent({ traceId, parentId, sampled: false }))?.sampled).toBe(false);
  });

  it('of a later version is read as far as it is known', () => {
    expect(parseTraceparent(`01-${traceId}-${parentId}-01-more`)).toEqual({ traceId, parentId, sampled: true });
  });

  it.each([
    undefined,
    '',
    `ff-${traceId}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${parentId}-01-more`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${traceId}-${parentId}`,
  ])('that is not valid is none: %s', (value) => {
    expect(parseTraceparent(value)).toBeUndefined();
  });
});
