import { bulkhead, isBreakwaterError } from 'breakwater';
import { expect, it } from 'vitest';

it('holds a permit of a bulkhead as long as a block of code, however that is left', async () => {
  const reports = bulkhead({ maxConcurrent: 1 });
  async function render(fail: boolean): Promise<number> {
    using permit = await reports.acquire({ priority: 'high', maxWaitMs: 2_000 });
    if (fail) throw new Error(`no paper for ${typeof permit}`);
    return reports.running;
  }
  expect(await render(false)).toBe(1);
  expect(reports.running).toBe(0);
  await expect(render(true)).rejects.toThrow('no paper for object');
  expect(reports.running).toBe(0);
  {
    using held = reports.tryAcquire();
    expect([held === undefined, reports.tryAcquire()]).toEqual([false, undefined]);
    const refused: unknown = await reports.acquire().catch((error: unknown) => error);
    expect(isBreakwaterError(refused, 'BULKHEAD_FULL')).toBe(true);
  }
  expect(reports.running).toBe(0);
});
