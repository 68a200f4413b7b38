import { expect, it } from 'vitest';
import { eventSeverities } from '../../events/severities.ts';
import { eventName, eventSeverity } from './event-words.ts';

it('names events as Polly’s users know them', () => {
  expect(['retry', 'timeout', 'fallback', 'hedge', 'circuit-opened', 'circuit-half-opened'].map(eventName)).toEqual([
    'OnRetry',
    'OnTimeout',
    'OnFallback',
    'OnHedging',
    'OnCircuitOpened',
    'OnCircuitHalfOpened',
  ]);
});

it('names no two events of the library alike, and takes a user’s own as it is', () => {
  const names = Object.keys(eventSeverities).map(eventName);
  expect(new Set(names).size).toBe(names.length);
  expect([eventName('toString'), eventSeverity({ type: 'stock-low' })]).toEqual(['OnToString', 'Information']);
});
