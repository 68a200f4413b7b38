import { VirtualClock } from 'breakwater/testing';
import { describe, expect, it } from 'vitest';
import type { UpstreamState } from './observer.ts';
import { UpstreamGate } from './upstream-gate.ts';

function setUp() {
  const clock = new VirtualClock();
  const states: UpstreamState['kind'][] = [];
  const unavailable: string[] = [];
  let pauses = 0;
  const breaker = { closed: true };
  const gate = new UpstreamGate({
    clock,
    maxOutageMs: { beforeFirstAnswer: 30_000, afterwards: 300_000 },
    breakerClosed: () => breaker.closed,
    probes: 1,
    onOutage: () => undefined,
    onFirstPause: () => (pauses += 1),
    onState: ({ kind }) => states.push(kind),
    onUnavailable: (reason) => unavailable.push(reason),
  });
  /** A row that waits, and the order in which rows went on. */
  const went: string[] = [];
  const follow = (name: string, turn: Promise<boolean>): void =>
    void turn.then((may) => went.push(may ? name : `${name}: home`));
  return { clock, gate, states, unavailable, breaker, went, follow, pauses: () => pauses };
}

describe('while the upstream is away', () => {
  it('one row at a time is let through when the pause is over; its answer lets all go', async () => {
    const { clock, gate, went, follow, states } = setUp();
    gate.answered();
    for (const row of ['a', 'b', 'c']) follow(row, gate.away(2_000, 'down'));
    await clock.advance(1_999);
    expect(went).toEqual([]);
    await clock.advance(1);
    expect(went).toEqual(['a']);
    gate.answered();
    await clock.advance(0);
    expect(went).toEqual(['a', 'b', 'c']);
    expect([gate.enter(), states]).toEqual([undefined, ['down', 'down', 'down', 'probing', 'up']]);
  });

  it('the row that was let through and failed goes to the end of the queue, so that one that always fails blocks nobody', async () => {
    const { clock, gate, went, follow } = setUp();
    gate.answered();
    for (const row of ['poison', 'b']) follow(row, gate.away(1_000, 'down'));
    await clock.advance(1_000);
    follow('poison', gate.away(1_000, 'down'));
    await clock.advance(1_000);
    expect(went).toEqual(['poison', 'b']);
  });

  it('new rows wait too, and the first goes at once when nobody else is there to try', async () => {
    const { clock, gate, went, follow } = setUp();
    gate.answered();
    follow('a', gate.away(1_000, 'down'));
    await clock.advance(1_000);
    gate.failed();
    follow('b', gate.enter() ?? Promise.resolve(true));
    await clock.advance(500);
    expect(went).toEqual(['a']);
  });

  it('an answer lets nobody through as long as the breaker wants to see more', async () => {
    const { clock, gate, went, follow, breaker } = setUp();
    for (const row of ['a', 'b']) follow(row, gate.away(1_000, 'down'));
    await clock.advance(1_000);
    breaker.closed = false;
    gate.answered();
    await clock.advance(0);
    expect(went).toEqual(['a']);
  });

  it.each([
    ['before the first answer', false, 30_000],
    ['after it', true, 300_000],
  ])('the run gives up after the longest outage %s, and rows go home unsettled', async (_, answered, limitMs) => {
    const { clock, gate, went, follow, unavailable } = setUp();
    if (answered) gate.answered();
    follow('a', gate.away(20_000, 'connection refused'));
    for (let passed = 0; passed < limitMs; passed += 10_000) {
      expect(unavailable).toEqual([]);
      await clock.advance(10_000);
      if (went.splice(0).length > 0) follow('a', gate.away(20_000, 'connection refused'));
    }
    await clock.advance(1);
    expect([unavailable.length, went]).toEqual([1, ['a: home']]);
    expect(unavailable[0]).toMatch(/^connection refused \(no answer for/);
    expect(await gate.enter()).toBe(false);
  });
});

describe('when the upstream asks for a pause', () => {
  it('a row waits for itself, and the others go on', async () => {
    const { clock, gate, went, follow, states, pauses } = setUp();
    gate.answered();
    follow('a', gate.asksForPause(1_000, '429'));
    expect(gate.enter()).toBeUndefined();
    await clock.advance(1_000);
    expect([went, states, pauses()]).toEqual([['a'], [], 1]);
  });

  it('all wait when it asks again and again; that is no outage', async () => {
    const { clock, gate, went, follow, states } = setUp();
    gate.answered();
    for (const row of ['a', 'b', 'c']) follow(row, gate.asksForPause(1_000, '429'));
    follow('d', gate.enter() ?? Promise.resolve(true));
    await clock.advance(999);
    expect(went).toEqual([]);
    await clock.advance(1);
    gate.answered();
    await clock.advance(0);
    expect([went.toSorted(), states]).toEqual([['a', 'b', 'c', 'd'], []]);
  });

  it('that is longer than the longest outage, the run gives up at once', () => {
    const { gate, unavailable } = setUp();
    gate.answered();
    void gate.asksForPause(3_600_000, '429');
    expect(unavailable).toEqual(['429, and asks to come back in 1h']);
  });
});

it('a run that stops sends all home that wait', async () => {
  const { clock, gate, went, follow } = setUp();
  gate.answered();
  follow('a', gate.asksForPause(1_000, '429'));
  follow('b', gate.away(1_000, 'down'));
  gate.close();
  await clock.advance(0);
  expect(went.toSorted()).toEqual(['a: home', 'b: home']);
});
