/** The schedules of the property test, in numbers. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { modelRuns } from '../testing/test-support/property-runs.ts';
import { schedules } from './test-support/schedule.ts';
import { runSchedule } from './test-support/trial.ts';

describe('a breaker next to the reference', () => {
  it('agrees with it after every step of every schedule', async () => {
    await fc.assert(fc.asyncProperty(schedules(60), runSchedule), modelRuns());
  });
});
