/** Ends that a broker may keep waiting: each is waited for, but none for ever. */
import type { Clock } from 'breakwater/clock';

/** Resolves when `ending` has settled or `mostMs` have passed, to whether it has settled. What it fails with is of no more use. */
export function endedWithin(clock: Clock, mostMs: number, ending: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(mostMs, () => resolve(false));
    const ended = (): void => {
      timer.cancel();
      resolve(true);
    };
    ending.then(ended, ended);
  });
}
