import { expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { MemoryLimits } from '../test-support/memory-limits.ts';
import { sharedRateLimiter } from './shared-limiter.ts';

/** A store that takes its time to say what was told of numbers: what it says is what it knew when it was asked. */
class SlowToTell extends MemoryLimits {
  private readonly ownClock: VirtualClock;

  constructor(clock: VirtualClock) {
    super(clock);
    this.ownClock = clock;
  }

  override async numbers(limitName: string): Promise<string | undefined> {
    const text = await super.numbers(limitName);
    await new Promise<void>((resolve) => void this.ownClock.setTimer(10, resolve));
    return text;
  }
}

it('numbers that were changed while the store was asked for them are not taken back by its answer', async () => {
  const clock = new VirtualClock();
  const store = new SlowToTell(clock);
  const limiter = sharedRateLimiter({ store, namespace: 'test', limit: 10, periodMs: 1_000, clock });
  const told: number[] = [];
  limiter.events.on('limit-updated', ({ limit }) => told.push(limit));
  await limiter.update({ limit: 3 });
  await limiter.update({ limit: 4 });
  await clock.advance(20);
  expect([limiter.limits[0]!.limit, told]).toEqual([4, [3, 4]]);
});
