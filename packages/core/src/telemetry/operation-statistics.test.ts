import { describe, expect, it } from 'vitest';
import { Operation } from './operation-statistics.ts';

describe('the statistics of an operation', () => {
  it('are all 0 before the first', () => {
    expect(new Set(Object.values(new Operation().statistics))).toEqual(new Set([0]));
  });

  it('are those of all that two have counted, together or by way of JSON', () => {
    const [first, second, all] = [new Operation(), new Operation(), new Operation()];
    for (const [operation, ms, failed] of [
      [first, 10, false],
      [second, 30, true],
    ] as const) {
      operation.record(ms, failed);
      all.record(ms, failed);
    }
    const fromJson = new Operation();
    for (const each of [first, second])
      fromJson.mergeJson(JSON.parse(JSON.stringify(each)) as ReturnType<Operation['toJSON']>);
    first.merge(second);
    expect(first.statistics).toEqual(all.statistics);
    expect(fromJson.statistics).toEqual(all.statistics);
    expect(all.statistics).toMatchObject({ count: 2, errors: 1, errorRatio: 0.5, totalMs: 40, minMs: 10, maxMs: 30 });
  });
});
