import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { timeoutQueueOf } from '../clock/timeout-queue.ts';
import { StoreHealth } from './store-health.ts';
import { within } from './within.ts';

/** The health of a store whose pings the test answers, and what was told of it. */
function watched() {
  const clock = new VirtualClock();
  const told: string[] = [];
  const pings: { answer: () => void; fail: () => void }[] = [];
  const ping = (): Promise<unknown> =>
    new Promise<void>((resolve, reject) => pings.push({ answer: resolve, fail: () => reject(new Error('gone')) }));
  const health = new StoreHealth(clock, { ping, stateChanged: (to, from) => void told.push(`${from} → ${to}`) }, 200);
  return { clock, told, pings, health };
}

describe('the health of a store', () => {
  it('is suspect while an answer is slow, and up again when it comes', () => {
    const { health, told } = watched();
    health.slow();
    health.slow();
    health.answered();
    health.answered();
    expect(told).toEqual(['up → suspect', 'suspect → up']);
  });

  it('is away after a failure, whatever is slow or answered then, until a ping is answered', async () => {
    const { health, told, pings, clock } = watched();
    health.failed();
    health.failed();
    health.slow();
    health.answered();
    await clock.advance(200);
    pings[0]!.fail();
    await clock.advance(200);
    expect([pings.length, health.state]).toEqual([2, 'away']);
    pings[1]!.answer();
    await clock.advance(1_000);
    expect(told).toEqual(['up → away', 'away → up']);
    expect([pings.length, clock.pendingTimers]).toEqual([2, 0]);
  });

  it('that is closed pings no more, not after a ping under way either, and comes back by none', async () => {
    const { health, told, pings, clock } = watched();
    health.failed();
    await clock.advance(200);
    health.close();
    pings[0]!.fail();
    await clock.advance(1_000);
    expect([pings.length, clock.pendingTimers]).toEqual([1, 0]);
    const other = watched();
    other.health.failed();
    await other.clock.advance(200);
    other.health.close();
    other.pings[0]!.answer();
    await other.clock.advance(1_000);
    expect([told, other.told, other.health.state]).toEqual([['up → away'], ['up → away'], 'away']);
    const closed = watched();
    closed.health.close();
    closed.health.failed();
    expect(closed.clock.pendingTimers).toBe(0);
  });
});

describe('a wait that has a limit', () => {
  const waiting = (operation: Promise<string>) => {
    const clock = new VirtualClock();
    const lane = timeoutQueueOf(clock).lane(100);
    let expired = 0;
    const answer = within(lane, operation, () => `late ${++expired}`);
    return { clock, answer, expired: () => expired };
  };

  it('ends with the answer, or the failure, and is not called late afterwards', async () => {
    const answered = waiting(Promise.resolve('here'));
    expect(await answered.answer).toBe('here');
    const failed = waiting(Promise.reject(new Error('no')));
    await expect(failed.answer).rejects.toThrow('no');
    for (const { clock, expired } of [answered, failed]) {
      await clock.advance(1_000);
      expect([expired(), clock.pendingTimers]).toEqual([0, 0]);
    }
  });

  it('ends when its time is up with what is said then', async () => {
    const { clock, answer } = waiting(new Promise(() => undefined));
    await clock.advance(100);
    expect(await answer).toBe('late 1');
  });
});
