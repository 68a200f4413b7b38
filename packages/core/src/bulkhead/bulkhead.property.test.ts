import fc from 'fast-check';
import { describe, it } from 'vitest';
import { propertyRuns } from '../testing/test-support/property-runs.ts';
import { bulkheadAgreesWithModel } from './test-support/bulkhead-schedules.ts';

describe('a bulkhead under any schedule of calls, outcomes, aborts and permits taken by hand', () => {
  it('admits, queues and refuses whom the model does, overtakes nobody, and loses no permit, timer or listener', async () => {
    await fc.assert(bulkheadAgreesWithModel, propertyRuns(200));
  });
});
