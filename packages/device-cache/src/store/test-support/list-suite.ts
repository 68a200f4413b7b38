/** How every store lists its devices, and says what it holds. */
import type { DeviceSort } from '@breakwater/device-client/contract';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceStore, ListPlace, ListRequest } from '../store.ts';
import { fenced, START_MS, temperature } from './readings.ts';

/** @param store The store of the test that runs. */
export function listSuite(store: () => DeviceStore): void {
  const listIds = async (request: Partial<ListRequest> = {}): Promise<string[]> =>
    (await store().list({ limit: 100, sort: 'id', ...request })).devices.map(({ id }) => id);

  describe('lists', () => {
    beforeEach(async () => {
      await store().write([
        fenced('b', 2_000),
        fenced('c', 1_000, { metadata: { ...temperature, datatype_unit: '%', datatype_category: 'M' } }),
        fenced('a', 2_000, { metadata: { ...temperature, datatype_name: 'Humidity', datatype_id: 'h-1' } }),
        fenced('station_1', 3_000, { metadata: null }),
      ]);
    });

    it.each<[DeviceSort, string[]]>([
      ['id', ['a', 'b', 'c', 'station_1']],
      ['-id', ['station_1', 'c', 'b', 'a']],
      ['lastUpdated', ['c', 'a', 'b', 'station_1']],
      ['-lastUpdated', ['station_1', 'a', 'b', 'c']],
    ])('sorts by %s, whole or page by page', async (sort, expected) => {
      expect(await listIds({ sort })).toEqual(expected);
      for (const limit of [1, 2, 3]) {
        const seen: string[] = [];
        let after: ListPlace | undefined;
        do {
          const page = await store().list({ limit, sort, after });
          expect(page.devices.length).toBeLessThanOrEqual(limit);
          seen.push(...page.devices.map(({ id }) => id));
          after = page.next;
        } while (after !== undefined);
        expect(seen).toEqual(expected);
      }
    });

    it.each<[string, Partial<ListRequest>, string[]]>([
      ['a pattern', { pattern: 'station_*' }, ['station_1']],
      ['a pattern of one character', { pattern: '?' }, ['a', 'b', 'c']],
      ['a category', { category: 'M' }, ['c']],
      ['a unit', { unit: 'Celsius' }, ['a', 'b']],
      ['the name of a datatype', { datatype: 'Humidity' }, ['a']],
      ['the id of a datatype', { datatype: '7' }, ['b', 'c']],
      ['one reading that has all', { category: 'M', unit: 'Celsius' }, []],
      ['a moment', { updatedSinceMs: START_MS + 2_000 }, ['a', 'b', 'station_1']],
      ['an offset', { offset: 3 }, ['station_1']],
    ])('filters by %s', async (_, request, expected) => {
      expect(await listIds(request)).toEqual(expected);
    });

    it('says what it holds', async () => {
      const info = await store().info();
      expect(info).toMatchObject({ devices: 4, oldestMs: START_MS + 1_000, newestMs: START_MS + 3_000 });
      expect(info.memoryBytes).toBeGreaterThan(0);
    });
  });
}
