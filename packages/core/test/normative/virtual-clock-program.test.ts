/** The program of the design that runs a retry in virtual time. */
import { pipeline, retry } from 'breakwater';
import { VirtualClock } from 'breakwater/testing';
import { expect, expectTypeOf, it } from 'vitest';

it('everything due in ten seconds has happened after `await clock.advance(10_000)`, and no real time passed', async () => {
  const failTwice = ({ attempt }: { attempt: number }): Promise<string> =>
    attempt < 3 ? Promise.reject(new Error('down')) : Promise.resolve('item');
  const clock = new VirtualClock();
  const calls = pipeline({ clock }, retry({ maxAttempts: 3 }));
  const done = calls.execute(failTwice);
  expectTypeOf(done).toEqualTypeOf<Promise<string>>();
  const before = performance.now();
  await clock.advance(10_000);
  await expect(done).resolves.toBe('item');
  expect(clock.now()).toBe(10_000);
  expect(performance.now() - before).toBeLessThan(2_000);
});
