import { afterEach, expect, it, vi } from 'vitest';
import { FetchTimeline } from './fetch-timeline.ts';

/** What the platform's timeline keeps before it tells that it is full. */
const timelineSize = 250;

afterEach(() => vi.restoreAllMocks());

it('empties the timeline before it is full, however many calls are made', () => {
  const clear = vi.spyOn(performance, 'clearResourceTimings');
  const timeline = new FetchTimeline();
  let sinceCleared = 0;
  let most = 0;
  for (let call = 0; call < 10_000; call += 1) {
    const cleared = clear.mock.calls.length;
    timeline.called();
    sinceCleared = clear.mock.calls.length > cleared ? 0 : sinceCleared + 1;
    most = Math.max(most, sinceCleared);
  }
  expect(most).toBeLessThan(timelineSize);
  // A look at it per call would cost what it is to save.
  expect(clear.mock.calls.length).toBeLessThan(10_000 / 100);
});
