import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import type { AlertRule } from './alert.ts';
import { alertRules } from './alert-rules.ts';

const S = 1_000;

/** One rule over a number that the test sets, and what it tells. */
function watched(rule: Partial<AlertRule> = { above: 10 }) {
  const clock = new VirtualClock();
  const now: { value: number | undefined } = { value: 0 };
  const alerts = alertRules({ rules: { load: { measure: () => now.value, ...rule } }, clock });
  const told: unknown[] = [];
  alerts.events.on('alert-fired', ({ alert, value, threshold }) =>
    told.push(['fired', clock.now(), alert, value, threshold]),
  );
  alerts.events.on('alert-cleared', ({ alert, value, durationMs }) =>
    told.push(['cleared', clock.now(), alert, value, durationMs]),
  );
  alerts.start();
  const be = async (value: number | undefined, forMs: number): Promise<void> => {
    now.value = value;
    await clock.advance(forMs);
  };
  return { alerts, clock, told, be, state: () => alerts.status[0]!.state };
}

describe('an alert', () => {
  it('fires once its number has been over the threshold for long enough, and clears when it is low enough', async () => {
    const { told, be, state } = watched({ above: 10, aggregate: 'last', forMs: 60 * S });
    await be(11, 60 * S);
    expect([state(), told]).toEqual(['pending', []]);
    await be(11, 10 * S);
    expect(told).toEqual([['fired', 70 * S, 'load', 11, 10]]);
    await be(9.5, 60 * S);
    expect(state()).toBe('firing');
    await be(9, 10 * S);
    expect(told.slice(1)).toEqual([['cleared', 140 * S, 'load', 9, 70 * S]]);
    expect(state()).toBe('quiet');
  });

  it('does not fire for a number that is over it for a moment', async () => {
    const { told, be, state } = watched({ above: 10, aggregate: 'last' });
    for (let n = 0; n < 20; n++) {
      await be(50, 50 * S);
      await be(0, 10 * S);
    }
    expect([state(), told]).toEqual(['quiet', []]);
  });

  it('does not come and go with a number that swings around the threshold', async () => {
    const { told, be } = watched({ above: 10, clearAt: 8, aggregate: 'last', forMs: 0 });
    for (let n = 0; n < 50; n++) await be(n % 2 === 0 ? 10.5 : 9.5, 10 * S);
    expect(told).toHaveLength(1);
  });

  it('is over only when it has been over for long enough', async () => {
    const { told, be, state } = watched({ above: 10, aggregate: 'last', forMs: 0, clearForMs: 30 * S });
    await be(11, 10 * S);
    await be(0, 30 * S);
    expect(state()).toBe('clearing');
    await be(11, 10 * S);
    expect(state()).toBe('firing');
    await be(0, 40 * S);
    expect(told.map((entry) => (entry as string[])[0])).toEqual(['fired', 'cleared']);
  });

  it('goes by what was measured within its window, and by nothing older', async () => {
    const { alerts, be, told } = watched({ above: 10, windowMs: 30 * S, aggregate: 'mean', forMs: 0 });
    await be(1_000, 10 * S);
    expect(told).toHaveLength(1);
    await be(0, 20 * S);
    expect(alerts.status[0]!.value).toBeCloseTo(1_000 / 3);
    await be(0, 10 * S);
    expect(alerts.status[0]!.value).toBe(0);
    expect(told).toHaveLength(2);
  });

  it('says by itself which side of the threshold its number is on', () => {
    expect(watched({ above: 10 }).alerts.status[0]!.summary).toBe('load is above 10');
    expect(watched({ below: 0.5 }).alerts.status[0]!.summary).toBe('load is below 0.5');
  });

  it.each([
    ['mean', 20],
    ['max', 30],
    ['min', 10],
    ['last', 20],
  ] as const)('takes the %s of its window where that is asked for', async (aggregate, expected) => {
    const { alerts, be } = watched({ above: 99, aggregate });
    for (const value of [10, 30, 20]) await be(value, 10 * S);
    expect(alerts.status[0]).toMatchObject({
      value: expected,
      state: 'quiet',
      threshold: 99,
      summary: 'load is above 99',
    });
  });

  it('may be about a number that is too low', async () => {
    const { told, be, alerts } = watched({
      below: 0.5,
      aggregate: 'last',
      forMs: 0,
      summary: 'few hits',
      urgency: 'ticket',
    });
    await be(0.5, 10 * S);
    expect(told).toEqual([]);
    await be(0.4, 10 * S);
    await be(0.54, 10 * S);
    expect(alerts.status[0]).toMatchObject({ state: 'firing', summary: 'few hits', urgency: 'ticket' });
    await be(0.55, 10 * S);
    expect(told).toHaveLength(2);
  });

  it('stays where it is while its number is not known, neither waking anybody nor saying that all is well', async () => {
    const { told, be, state, alerts } = watched({ above: 10, aggregate: 'last', forMs: 60 * S, windowMs: 20 * S });
    await be(11, 10 * S);
    await be(undefined, 600 * S);
    expect([state(), told, alerts.status[0]!.value]).toEqual(['pending', [], undefined]);
    await be(Number.NaN, 60 * S);
    expect(state()).toBe('pending');
    await be(0, 10 * S);
    expect(state()).toBe('quiet');
  });

  it('whose measurement throws goes on, and that is told', async () => {
    const clock = new VirtualClock();
    const measure = (): number => {
      throw new Error('gone');
    };
    const alerts = alertRules({
      rules: { odd: { measure, above: 1 }, fine: { measure: () => 2, above: 1, forMs: 0 } },
      clock,
    });
    const told: unknown[] = [];
    alerts.events.on('*', ({ type }) => told.push(type));
    alerts.evaluate();
    expect(told).toEqual(['hook-failed', 'alert-fired']);
  });

  it('leaves no timer when it is stopped, and begins once however often it is started', async () => {
    const { alerts, clock, be, told } = watched({ above: 10, forMs: 0 });
    alerts.start();
    expect(clock.pendingTimers).toBe(1);
    alerts.stop();
    alerts.stop();
    expect(clock.pendingTimers).toBe(0);
    await be(99, 600 * S);
    expect(told).toEqual([]);
  });

  it('fires and clears in turn, and fires only after the threshold was passed for as long as was asked', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 80 }),
      fc.integer({ min: 0, max: 4 }),
      async (values, ticks) => {
        const { told, be } = watched({ above: 10, aggregate: 'last', forMs: ticks * 10 * S });
        for (const value of values) await be(value, 10 * S);
        const kinds = told.map((entry) => (entry as [string, number])[0]);
        expect(kinds).toEqual(kinds.map((_, index) => (index % 2 === 0 ? 'fired' : 'cleared')));
        for (const [kind, at] of told as [string, number][]) {
          const tick = at / (10 * S);
          const before = values.slice(tick - 1 - ticks, tick);
          if (kind === 'fired') expect(before.every((value) => value > 10) && before.length === ticks + 1).toBe(true);
          else expect(values[tick - 1]).toBeLessThanOrEqual(9);
        }
      },
    );
    await fc.assert(property, propertyRuns(100));
  });

  it('keeps no more measurements than its window holds, however often it is evaluated', () => {
    const { alerts } = watched({ above: 99, aggregate: 'last' });
    for (let n = 0; n < 10_000; n++) alerts.evaluate();
    const rules = (alerts as unknown as { rules: { samples: unknown[] }[] }).rules;
    expect(rules[0]!.samples.length).toBeLessThanOrEqual(7);
  });

  it('is refused with a rule that can not be meant, all faults at once', () => {
    const measure = (): number => 1;
    const rules = {
      none: { measure },
      both: { measure, above: 1, below: 1 },
      back: { measure, above: 1, clearAt: 2 },
      front: { measure, below: 2, clearAt: 1 },
      short: { measure, above: 1, windowMs: 5 },
      odd: { above: 'x', abov: 1 },
    };
    expect(() => alertRules({ rules } as never)).toThrow(
      /none: expected either above or below, received neither[^]*both: [^]*received both[^]*back.clearAt[^]*front.clearAt[^]*short.windowMs[^]*odd.above[^]*odd.abov[^]*odd.measure/,
    );
  });
});
