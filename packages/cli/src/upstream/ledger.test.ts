import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

const call = (key: string, atMs = 0) => ({ atMs, method: 'POST', path: '/cards', key, position: null });

describe('the ledger', () => {
  it('counts attempts of a key without those that were refused', () => {
    const ledger = new Ledger({ maxCalls: 10, maxKeys: 10, periodMs: 1_000 });
    const attempts = [true, false, true].map((admitted) => ledger.open(call('a'), admitted).attempt);
    expect(attempts).toEqual([1, 0, 2]);
    expect(ledger.callsByKey().get('a')).toEqual({ calls: 3, answered: 0 });
  });

  it('keeps the latest calls in order, and says how many it forgot', () => {
    const ledger = new Ledger({ maxCalls: 3, maxKeys: 10, periodMs: 1_000 });
    for (let at = 0; at < 5; at += 1) ledger.settle(ledger.open(call('a', at), true), 'answered', 200);
    expect(ledger.calls().map((known) => known.atMs)).toEqual([2, 3, 4]);
    expect(ledger.summary('', 0)).toMatchObject({
      calls: 5,
      answered: 5,
      forgotten: 2,
      pending: 0,
      byStatus: { 200: 5 },
    });
  });

  it('forgets the oldest key when there are too many', () => {
    const ledger = new Ledger({ maxCalls: 0, maxKeys: 2, periodMs: 1_000 });
    for (const key of ['a', 'b', 'c']) ledger.open(call(key), true);
    expect([...ledger.callsByKey().keys()]).toEqual(['b', 'c']);
    expect(ledger.summary('', 0).keys).toMatchObject({ distinct: 2, forgotten: 1 });
  });

  it('does not count a call from before a reset when it ends after it', () => {
    const ledger = new Ledger({ maxCalls: 10, maxKeys: 10, periodMs: 1_000 });
    const early = ledger.open(call('a'), true);
    ledger.reset();
    ledger.settle(early, 'answered', 200);
    expect(ledger.summary('', 0)).toMatchObject({ calls: 0, answered: 0, pending: 0 });
  });

  it('tells a key that was answered twice', () => {
    const ledger = new Ledger({ maxCalls: 10, maxKeys: 10, periodMs: 1_000 });
    for (let time = 0; time < 2; time += 1) ledger.settle(ledger.open(call('a'), true), 'answered', 200);
    expect(ledger.summary('', 0).keys).toEqual({
      distinct: 1,
      answered: 1,
      answeredTwice: 1,
      maxCalls: 2,
      forgotten: 0,
    });
  });
});
