import fc from 'fast-check';
import { describe, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { schedules } from './test-support/schedule.ts';
import { runSchedule } from './test-support/trial.ts';

describe('a breaker under any traffic and any commands', () => {
  it('admits, refuses and changes its state as a naive one does, whatever comes late, and leaves nothing behind', async () => {
    await fc.assert(fc.asyncProperty(schedules(60), runSchedule), propertyRuns(200));
  }, 60_000);
});
