import { describe, expect, it } from 'vitest';
import { limiterView } from './parts-view.ts';
import { policyView } from './policy-facts.ts';
import type { ListedPolicy } from './registry-port.ts';
import { SeriesBook } from './series.ts';
import { shownNumber } from './view.ts';

const asItIs = (text: string): string => text;
const shown = (kind: string, told: Partial<ListedPolicy> = {}) =>
  policyView({ kind, name: kind, options: {}, state: {}, ...told }, '0', asItIs);

describe('a policy that tells less than its kind does', () => {
  it('has no meter, no plot and no tone from a number that it does not tell', () => {
    for (const kind of ['bulkhead', 'adaptive-concurrency', 'client-throttling', 'shedding']) {
      const view = shown(kind);
      expect([view.tone, view.meters, view.facts, view.plot, view.value]).toEqual([
        'idle',
        [],
        [],
        undefined,
        undefined,
      ]);
    }
  });

  it('is a limiter without a line of what it allows where it lists no limits, or none that has numbers', () => {
    const facts = [{ label: 'waiting', value: '0' }];
    const state = { statistics: { waiting: 0 } };
    expect(shown('rate-limit', { state })).toMatchObject({ tone: 'good', facts, value: 0 });
    expect(shown('rate-limit', { state: { ...state, limits: [{ limit: 'many' }, null] } }).facts).toEqual(facts);
    expect(shown('rate-limit').facts).toEqual([]);
  });

  it('has what it does tell added up', () => {
    const refused = (statistics: object) =>
      shown('bulkhead', { state: { statistics } }).facts.find(({ label }) => label === 'refused')?.value;
    expect(refused({ refused: 3 })).toBe('3');
    expect(refused({ refusedAfterWait: 4 })).toBe('4');
    expect(refused({})).toBeUndefined();
  });
});

it('what has no bound is shown as unlimited, and has no meter', () => {
  expect(shown('timeout', { options: { timeoutMs: Infinity } }).facts).toEqual([
    { label: 'after', value: 'unlimited' },
  ]);
  expect(shown('keyed', { state: { size: 2 }, options: { maxKeys: Infinity } })).toMatchObject({
    meters: [],
    value: 2,
  });
  expect(shownNumber(Infinity)).toBe('unlimited');
});

it('a limiter is idle before anybody has asked it, good while nobody waits, and else a warning', () => {
  const tone = (statistics: object) =>
    limiterView('api', { statistics: { admitted: 0, refused: 0, waiting: 0, keys: 0, ...statistics } }, asItIs).tone;
  expect([tone({}), tone({ admitted: 1 }), tone({ refused: 1 }), tone({ waiting: 1 })]).toEqual([
    'idle',
    'good',
    'good',
    'warn',
  ]);
});

it('the points of what is gone are forgotten, also where it comes again under the same name', () => {
  const book = new SeriesBook(10);
  const add = (points: Record<string, Record<string, number>>): void => book.add(new Map(Object.entries(points)));
  add({ stock: { rate: 1 }, orders: { rate: 2 } });
  add({ stock: { rate: 3 } });
  add({ stock: { rate: 4 }, orders: { rate: 5 } });
  expect(JSON.parse(JSON.stringify(book))).toEqual({ stock: { rate: [1, 3, 4] }, orders: { rate: [5] } });
});
