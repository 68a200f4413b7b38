import { bulkhead, circuitBreaker, pipeline, retry, shedding, timeout } from 'breakwater';
import { callHealth, createLogger, logEvents, statusPage } from 'breakwater/telemetry';
import { describe, expect, it } from 'vitest';
import { CoalescingClock } from '../../src/testing/test-support/coalescing-clock.ts';

const CALLS = 1_000;
const load = async (): Promise<string> => 'item';

function calls(clock: CoalescingClock) {
  return pipeline({ name: 'stock', clock }, timeout({ timeoutMs: 2_000 }), retry(), circuitBreaker(), bulkhead());
}

/** How often a thousand calls read the clock and set a timer. */
async function cost(clock: CoalescingClock, of: ReturnType<typeof calls>): Promise<readonly [number, number]> {
  await of.execute(load);
  clock.readings = 0;
  clock.timersSet = 0;
  for (let n = 0; n < CALLS; n++) await of.execute(load);
  return [clock.readings, clock.timersSet];
}

describe('a pipeline that was watched and is no more', () => {
  it('costs what one costs that never was, and nothing is left that watches it', async () => {
    const never = new CoalescingClock();
    const bare = await cost(never, calls(never));

    const clock = new CoalescingClock();
    const watched = calls(clock);
    const registry = { list: () => [{ name: 'stock', busy: watched.busy, policies: [] }], get: () => watched };
    const logger = createLogger({ clock, write: () => undefined });
    const stopLogging = logEvents(watched, logger, { level: 'debug' });
    const health = callHealth(watched, { clock });
    const page = statusPage(registry, { clock });
    for (let n = 0; n < 10; n++) await watched.execute(load);
    stopLogging();
    health.stop();
    page.close();
    await clock.virtual.advance(60_000);
    expect(clock.virtual.pendingTimers).toBe(0);
    expect(await cost(clock, watched)).toEqual(bare);
  });

  it('sheds load without a reading of the clock or a timer a call', async () => {
    const clock = new CoalescingClock();
    const shed = pipeline({ clock }, shedding());
    await shed.execute(load);
    clock.readings = clock.timersSet = 0;
    for (let n = 0; n < CALLS; n++) await shed.execute(load);
    expect([clock.readings, clock.timersSet]).toEqual([0, 0]);
  });
});
