import { describe, expect, it } from 'vitest';
import { jsonLine, terminalLine } from './line-formats.ts';
import type { LogRecord } from './log-record.ts';

const record = (more: object = {}): LogRecord => ({
  timestamp: '2026-01-01T00:00:00.000Z',
  level: 'info',
  logger: 'shop',
  message: 'hello',
  ...more,
});

describe('a line for a terminal', () => {
  it('that is cut in the middle of a colour leaves the lines after it without one', () => {
    const line = terminalLine(record({ message: 'x'.repeat(100) }), 60, true);
    expect(line.endsWith('\u001b[0m…')).toBe(true);
    expect(terminalLine(record({ message: 'x'.repeat(100) }), 60, false).endsWith('x…')).toBe(true);
  });

  it('cuts no character in two', () => {
    const beginning = terminalLine(record({ message: '' }), 1_000, false).length;
    for (const room of [1, 2, 3, 4]) {
      const line = terminalLine(record({ message: '🌊🌊🌊🌊' }), beginning + room, false);
      expect(line).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
      expect(line.length).toBeLessThanOrEqual(beginning + room + 1);
    }
  });

  it('shows a field without a value as such', () => {
    expect(terminalLine(record({ tenant: undefined }), 1_000, false)).toMatch(/ tenant=undefined$/);
  });
});

it('a line of JSON that is too long keeps the ids that it has, each by itself', () => {
  const kept = (ids: object) =>
    Object.keys(JSON.parse(jsonLine(record({ ...ids, body: 'x'.repeat(3_000) }), 2_000)) as object).filter((name) =>
      name.endsWith('_id'),
    );
  expect(kept({})).toEqual([]);
  expect(kept({ correlation_id: 'a' })).toEqual(['correlation_id']);
  expect(kept({ trace_id: 'b', span_id: 'c' })).toEqual(['trace_id', 'span_id']);
});
