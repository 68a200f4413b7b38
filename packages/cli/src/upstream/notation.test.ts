import { seededRandom } from 'breakwater/clock';
import { describe, expect, it } from 'vitest';
import { diceOf, parseFaults, pickFault } from './faults.ts';
import { drawLatency, parseLatency } from './latency.ts';
import { outageAt, parseOutage } from './outages.ts';
import { parseRate } from './text-spans.ts';

describe('latency', () => {
  it('reads a duration, a range and two percentiles', () => {
    expect(parseLatency('20ms')).toEqual({ shape: 'fixed', ms: 20 });
    expect(parseLatency('0')).toEqual({ shape: 'fixed', ms: 0 });
    expect(parseLatency('5ms..1s')).toEqual({ shape: 'uniform', fromMs: 5, toMs: 1_000 });
    expect(parseLatency('p50=20ms,p99=200ms')).toEqual({ shape: 'log-normal', medianMs: 20, p99Ms: 200 });
  });

  it.each(['20', '50ms..5ms', 'p50=20ms', 'p50=200ms,p99=20ms', '1ms..2ms..3ms'])('refuses %s', (text) => {
    expect(() => parseLatency(text)).toThrow(/expected/);
  });

  it('draws a log-normal whose median and 99th percentile are those asked for', () => {
    const random = seededRandom(3);
    const latency = parseLatency('p50=20ms,p99=200ms');
    const drawn = Array.from({ length: 20_000 }, () => drawLatency(latency, random)).toSorted((a, b) => a - b);
    expect(drawn[10_000]).toBeGreaterThan(19);
    expect(drawn[10_000]).toBeLessThan(21);
    expect(drawn[19_800]).toBeGreaterThan(180);
    expect(drawn[19_800]).toBeLessThan(220);
  });
});

describe('faults', () => {
  it('reads kinds with ratios or percentages', () => {
    expect(parseFaults('500=0.05, reset=1%')).toEqual({ 500: 0.05, reset: 0.01 });
  });

  it.each([
    ['oops=0.1', /expected a fault/],
    ['200=0.1', /expected a fault/],
    ['500', /expected a fault/],
    ['500=2', /must be 0 to 1/],
    ['500=0.6,reset=0.6', /more than 1/],
  ])('refuses %s', (text, message) => {
    expect(() => parseFaults(text)).toThrow(message);
  });

  it('picks each fault as often as its ratio says', () => {
    const counts: Record<string, number> = {};
    for (let row = 0; row < 20_000; row += 1) {
      const fault = pickFault({ 500: 0.05, reset: 0.01 }, diceOf(1, `row-${row}`, 1).next()) ?? 'none';
      counts[fault] = (counts[fault] ?? 0) + 1;
    }
    expect(Math.abs((counts['500'] ?? 0) - 1_000)).toBeLessThan(100);
    expect(Math.abs((counts['reset'] ?? 0) - 200)).toBeLessThan(50);
  });

  it('throws the same dice for the same seed, key and attempt, and others for any other', () => {
    const first = diceOf(1, 'row-1', 1).next();
    expect(diceOf(1, 'row-1', 1).next()).toBe(first);
    expect(
      new Set([first, ...[diceOf(2, 'row-1', 1), diceOf(1, 'row-2', 1), diceOf(1, 'row-1', 2)].map((d) => d.next())])
        .size,
    ).toBe(4);
  });
});

describe('outages and rates', () => {
  it('reads the span and the mode of an outage', () => {
    expect(parseOutage('5s..10s')).toEqual({ fromMs: 5_000, toMs: 10_000, mode: '503' });
    expect(parseOutage('1s..2s=refuse').mode).toBe('refuse');
    expect(() => parseOutage('1s..2s=shy')).toThrow(/503, reset, refuse/);
  });

  it('is out from the first millisecond of the span to before its last', () => {
    const outages = [parseOutage('1s..2s')];
    expect([999, 1_000, 1_999, 2_000].map((at) => outageAt(outages, at) !== undefined)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('reads calls per second, minute or any period', () => {
    expect(parseRate('200/s')).toEqual({ calls: 200, periodMs: 1_000 });
    expect(parseRate('600/m')).toEqual({ calls: 600, periodMs: 60_000 });
    expect(parseRate('30/10s')).toEqual({ calls: 30, periodMs: 10_000 });
    expect(() => parseRate('200')).toThrow(/expected a rate/);
    expect(() => parseRate('0/s')).toThrow(/expected a rate/);
  });
});
