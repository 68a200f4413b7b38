import { describe, expect, expectTypeOf, it } from 'vitest';
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { EventEnvelope } from '../events/event.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { recordEvents } from './record-events.ts';

const failTwice = ({ attempt }: { attempt: number }): string => {
  if (attempt < 3) throw new Error(`failure ${attempt}`);
  return 'item';
};

describe('a recording of events', () => {
  it('has all events in order, and those of one type with their types', async () => {
    const clock = new VirtualClock();
    const calls = pipeline({ clock }, retry({ backoff: constant(100), jitter: 'none' }));
    const events = recordEvents(calls);
    await clock.settle(calls.execute(failTwice));
    expect(events.types).toEqual(['attempt-ended', 'retry', 'attempt-ended', 'retry', 'attempt-ended', 'call-ended']);
    expect(events.of('retry').map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [1, 100],
      [2, 100],
    ]);
    expect(events.all.map(({ timestamp }) => timestamp - clock.wallTime())).toEqual([-200, -200, -100, -100, 0, 0]);
    expectTypeOf(events.of('retry')[0]!.delayMs).toEqualTypeOf<number>();
    expectTypeOf(events.all[0]!).toExtend<EventEnvelope>();
    // @ts-expect-error No policy of this pipeline tells it.
    expect(events.of('circuit-opened')).toEqual([]);
  });

  it('has the last event of a type, or none', () => {
    const calls = pipeline(retry({ backoff: constant(0) }));
    const events = recordEvents(calls);
    calls.executeSync(failTwice);
    expect([events.last('retry')?.attempt, events.last('retry-given-up')]).toEqual([2, undefined]);
  });

  it('forgets when it is cleared, and hears nothing more once it is stopped', () => {
    const calls = pipeline();
    const events = recordEvents(calls);
    calls.executeSync(() => 1);
    events.clear();
    expect(events.all).toEqual([]);
    calls.executeSync(() => 1);
    events.stop();
    calls.executeSync(() => 1);
    expect(events.types).toEqual(['attempt-ended', 'call-ended']);
  });

  it('gives lists that later events do not change', () => {
    const calls = pipeline();
    const events = recordEvents(calls);
    const { all } = events;
    calls.executeSync(() => 1);
    expect([all.length, events.all.length]).toEqual([0, 2]);
  });

  it('records the events of anything that tells some, such as a breaker', () => {
    const breaker = circuitBreaker();
    const events = recordEvents(breaker.events);
    breaker.isolate('maintenance');
    expect(events.last('circuit-isolated')).toMatchObject({ from: 'closed', reason: 'maintenance' });
  });

  it('keeps the newest where there are more than it may keep, and says how many it let go', () => {
    const calls = pipeline();
    const events = recordEvents(calls, { maxEvents: 3 });
    for (const key of ['a', 'b', 'c']) calls.executeSync(() => 1, { key });
    expect(events.all.map(({ type, key }) => `${type} ${key}`)).toEqual([
      'call-ended b',
      'attempt-ended c',
      'call-ended c',
    ]);
    expect(events.dropped).toBe(3);
    events.clear();
    expect(events.dropped).toBe(0);
  });
});
