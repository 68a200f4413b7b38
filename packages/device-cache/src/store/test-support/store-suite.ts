/** What every store must do: the same tests run against each. */
import type { DeviceSort } from '@breakwater/device-client/contract';
import { systemClock } from 'breakwater/clock';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareFences } from '../../message/fence.ts';
import type { DeviceStore, ListPlace, ListRequest, LoggedChange } from '../store.ts';
import { fenced, START_MS, temperature } from './readings.ts';

/** How the suite gets stores of one kind. */
export interface StoreUnderTest {
  readonly name: string;
  /** An empty store whose clock stands at `START_MS` or later. */
  readonly make: (ttlMs?: number) => Promise<DeviceStore>;
  /** Lets time pass. */
  readonly elapse: (ms: number) => Promise<void>;
  /** A TTL that is short for this store, and long enough for a test to look before it ends. */
  readonly shortTtlMs: number;
  readonly propertyRuns: number;
}

export function storeSuite({ name, make, elapse, shortTtlMs, propertyRuns }: StoreUnderTest): void {
  describe(`the store ${name}`, () => {
    let store: DeviceStore;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    const valueOf = async (id: string, index = 'T'): Promise<unknown> =>
      (await store.get([id]))[0]?.readings.find((reading) => reading.index === index)?.values[0];

    const listIds = async (request: Partial<ListRequest> = {}): Promise<string[]> =>
      (await store.list({ limit: 100, sort: 'id', ...request })).devices.map(({ id }) => id);

    it('keeps a reading with the fields that nobody knows', async () => {
      const written = fenced('s1', 0, { firmware: { major: 3, flags: [null, true] } });
      expect(await store.write([written])).toEqual(['stored']);
      expect(await store.get(['s1'])).toEqual([
        {
          id: 's1',
          lastUpdated: new Date(START_MS).toISOString(),
          metadata: {},
          categories: ['P'],
          readingCount: 1,
          readings: [written.reading],
        },
      ]);
    });

    it('keeps null, false and nested values as they are', async () => {
      const values = [null, false, '', 0, [1, [2]], { a: null }];
      await store.write([fenced('s1', 0, { values })]);
      expect((await store.get(['s1']))[0]?.readings[0]?.values).toEqual(values);
    });

    it('never lets an older reading overwrite a newer one', async () => {
      expect(await store.write([fenced('s1', 10, { values: ['new'] })])).toEqual(['stored']);
      expect(await store.write([fenced('s1', 9, { values: ['late'], offset: 99 })])).toEqual(['outdated']);
      expect(await valueOf('s1')).toBe('new');
    });

    it('decides by the offset at equal timestamps', async () => {
      await store.write([fenced('s1', 0, { values: ['b'], offset: 5 })]);
      expect(await store.write([fenced('s1', 0, { values: ['a'], offset: 4 })])).toEqual(['outdated']);
      expect(await store.write([fenced('s1', 0, { values: ['c'], offset: 6 })])).toEqual(['stored']);
      expect(await valueOf('s1')).toBe('c');
    });

    it('tells microseconds apart', async () => {
      const first = fenced('s1', 0, { values: ['first'] });
      await store.write([{ ...first, timestampUs: first.timestampUs + 2 }]);
      const outcomes = await store.write([{ ...fenced('s1', 0, { offset: 9 }), timestampUs: first.timestampUs + 1 }]);
      expect(outcomes).toEqual(['outdated']);
    });

    it('changes nothing when a reading is delivered again', async () => {
      const message = fenced('s1', 0);
      await store.write([message]);
      const before = await store.get(['s1']);
      expect(await store.write([message])).toEqual(['outdated']);
      expect(await store.get(['s1'])).toEqual(before);
    });

    it('has the same device as JSON', async () => {
      await store.write([
        fenced('s1', 0, { index: 'ü "quoted"' }),
        fenced('s1', 0, { metadata: null }),
        fenced('s1', 0),
      ]);
      await store.put([
        { id: 's1', metadata: { name: 'N"ord', flags: [null] } },
        { id: 's2', metadata: {} },
      ]);
      const texts = await store.getJson(['s1', 's2', 's3']);
      expect(texts.map((text) => text && (JSON.parse(text) as unknown))).toEqual(await store.get(['s1', 's2', 's3']));
    });

    it('holds exactly the latest of every index, in whatever order and however often readings come', async () => {
      const message = fc.record({
        device: fc.constantFrom('d1', 'd2'),
        index: fc.constantFrom('T', 'U'),
        category: fc.constantFrom('P', 'M'),
        at: fc.integer({ min: 0, max: 5 }),
        offset: fc.integer({ min: -1, max: 5 }),
      });
      const property = fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 40 }), async (messages) => {
        const own = await make();
        const readings = messages.map(({ device, index, category, at, offset }) =>
          fenced(device, at, {
            offset,
            index,
            values: [at, offset],
            metadata: { ...temperature, datatype_category: category },
          }),
        );
        await own.write(readings.slice(0, 7));
        for (const reading of readings.slice(5)) await own.write([reading]);
        const latest = new Map<string, (typeof readings)[number]>();
        for (const one of readings) {
          const key = [one.reading.device_id, one.reading.metadata!.datatype_category, one.reading.index].join('/');
          const known = latest.get(key);
          if (known === undefined || compareFences(one, known) > 0) latest.set(key, one);
        }
        const held = (await own.get(['d1', 'd2'])).flatMap((device) => device?.readings ?? []);
        const expected = [...latest].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one.reading);
        expect(held).toEqual(expected);
        await own.close();
      });
      await fc.assert(property, { numRuns: propertyRuns, seed: 20_261_121 });
    });

    it('keeps readings of one index apart by their category', async () => {
      const other = { ...temperature, datatype_category: 'M' };
      await store.write([fenced('s1', 0, { values: [1] }), fenced('s1', 1, { values: [2], metadata: other })]);
      expect((await store.get(['s1']))[0]).toMatchObject({ categories: ['M', 'P'], readingCount: 2 });
    });

    it('keeps readings without metadata as uncategorised', async () => {
      await store.write([fenced('s1', 0, { metadata: null })]);
      expect((await store.get(['s1']))[0]?.categories).toEqual(['uncategorised']);
    });

    it('replaces metadata and leaves readings alone', async () => {
      await store.write([fenced('s1', 0)]);
      await store.put([{ id: 's1', metadata: { name: 'North', flags: [null, false] } }]);
      await store.put([{ id: 's1', metadata: { name: 'South' } }]);
      const [device] = await store.get(['s1']);
      expect(device).toMatchObject({ metadata: { name: 'South' }, readingCount: 1 });
      expect(Date.parse(device!.lastUpdated)).toBeGreaterThanOrEqual(START_MS);
    });

    it('has devices that nobody has read yet', async () => {
      const [put] = await store.put([{ id: 's1', metadata: { a: 1 } }]);
      expect(put).toMatchObject({ id: 's1', metadata: { a: 1 }, readingCount: 0, categories: [] });
      expect(await listIds()).toEqual(['s1']);
    });

    it('never moves lastUpdated back', async () => {
      await store.write([fenced('s1', 5_000)]);
      await store.write([fenced('s1', 1_000, { index: 'U' })]);
      expect((await store.get(['s1']))[0]?.lastUpdated).toBe(new Date(START_MS + 5_000).toISOString());
    });

    it('answers in the order of the ids, with nothing for unknown ones', async () => {
      await store.write([fenced('a', 0), fenced('b', 0)]);
      expect((await store.get(['b', 'x', 'a'])).map((device) => device?.id)).toEqual(['b', undefined, 'a']);
    });

    it('forgets a deleted device, and is not brought back by readings from before', async () => {
      await store.write([fenced('s1', 0)]);
      expect(await store.delete('s1')).toBe(true);
      expect(await store.delete('s1')).toBe(false);
      expect(await store.write([fenced('s1', 0, { offset: 99 })])).toEqual(['outdated']);
      expect(await store.get(['s1'])).toEqual([undefined]);
      expect(await listIds()).toEqual([]);
    });

    it('takes a deleted device in again with a reading from after the deletion', async () => {
      await store.write([fenced('s1', 0)]);
      await store.delete('s1');
      const later = systemClock.wallTime() + 3_600_000 - START_MS;
      expect(await store.write([fenced('s1', later)])).toEqual(['stored']);
      expect((await store.get(['s1']))[0]?.readingCount).toBe(1);
    });

    it('is not brought back either by a reading that was ahead of the clock', async () => {
      const ahead = fenced('s1', systemClock.wallTime() + 7_200_000 - START_MS);
      await store.write([ahead]);
      await store.delete('s1');
      expect(await store.write([ahead])).toEqual(['outdated']);
    });

    describe('lists', () => {
      beforeEach(async () => {
        await store.write([
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
            const page = await store.list({ limit, sort, after });
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
        const info = await store.info();
        expect(info).toMatchObject({ devices: 4, oldestMs: START_MS + 1_000, newestMs: START_MS + 3_000 });
        expect(info.memoryBytes).toBeGreaterThan(0);
      });
    });

    it('forgets devices that are not heard of, in lists as well, and says so', async () => {
      const own = await make(shortTtlMs);
      await own.write([fenced('s1', 0)]);
      expect((await own.get(['s1']))[0]).toBeDefined();
      const { position } = await own.changesSince(undefined, 10);
      await elapse(shortTtlMs * 1.2 + 20);
      expect(await own.get(['s1'])).toEqual([undefined]);
      await own.sweep();
      expect((await own.list({ limit: 10, sort: 'id' })).devices).toEqual([]);
      expect((await own.info()).devices).toBe(0);
      const since = await own.changesSince(position, 10);
      expect('changes' in since && since.changes.map(({ data }) => [data.deviceId, data.cause])).toEqual([
        ['s1', 'expired'],
      ]);
      await own.close();
    });

    it('keeps all readings of a device while any of them comes', async () => {
      const own = await make(shortTtlMs);
      await own.write([fenced('s1', 0), fenced('s1', 0, { index: 'U', metadata: null })]);
      await elapse(shortTtlMs * 0.6);
      await own.write([fenced('s1', 1)]);
      await elapse(shortTtlMs * 0.6);
      expect((await own.get(['s1']))[0]?.readingCount).toBe(2);
      await own.close();
    });

    it('logs changes in order, to be read again from any position', async () => {
      const { position } = await store.changesSince(undefined, 10);
      await store.write([fenced('s1', 0)]);
      await store.put([{ id: 's2', metadata: {} }]);
      await store.delete('s1');
      const all = await store.changesSince(position, 10);
      const changes: readonly LoggedChange[] = 'changes' in all ? all.changes : [];
      expect(changes.map(({ data: { deviceId, cause, categories } }) => [deviceId, cause, categories])).toEqual([
        ['s1', 'readings', ['P']],
        ['s2', 'metadata', []],
        ['s1', 'deleted', []],
      ]);
      const rest = await store.changesSince(changes[0]!.position, 10);
      expect('changes' in rest && rest.changes).toEqual(changes.slice(1));
    });

    it('logs no change where nothing changed', async () => {
      await store.write([fenced('s1', 5)]);
      const { position } = await store.changesSince(undefined, 10);
      await store.write([fenced('s1', 4)]);
      await store.delete('unknown');
      expect(await store.changesSince(position, 10)).toEqual({ changes: [], position });
    });

    it('says that it does not know a position of another log', async () => {
      await store.write([fenced('s1', 5)]);
      expect(await store.changesSince('no-such-position', 10)).toMatchObject({ lost: 'unknown-position' });
      expect(await store.changesSince('9999999999999-5', 10)).toMatchObject({ lost: 'unknown-position' });
    });

    it('says that the log does not reach back', async () => {
      await store.write([fenced('s0', 0)]);
      const { position } = await store.changesSince(undefined, 1);
      const entries = Array.from({ length: 1_000 }, (_, at) => ({ id: `d${at}`, metadata: {} }));
      for (let i = 0; i < 12; i++) await store.put(entries);
      expect(await store.changesSince(position, 10)).toMatchObject({ lost: 'log-exceeded' });
    });

    it('tells listeners of each change once, and not after they have left', async () => {
      const seen: string[] = [];
      const stop = await store.listen({ changed: ({ data }) => seen.push(data.deviceId), gap: () => seen.push('gap') });
      await store.write([fenced('s1', 0)]);
      await store.put([{ id: 's2', metadata: {} }]);
      await expect.poll(() => seen).toEqual(['s1', 's2']);
      await stop();
      await store.write([fenced('s3', 0)]);
      expect(seen).toEqual(['s1', 's2']);
    });

    it('notes how far a source was written', async () => {
      expect(await store.progress('topic')).toEqual(new Map());
      const first = [
        { partition: 0, from: undefined, to: 5 },
        { partition: 1, from: undefined, to: 7 },
      ];
      expect(await store.advance('topic', first)).toBe(true);
      expect(await store.advance('topic', [{ partition: 1, from: 7, to: 9 }])).toBe(true);
      expect(await store.progress('topic')).toEqual(
        new Map([
          [0, 5],
          [1, 9],
        ]),
      );
      expect(await store.progress('other')).toEqual(new Map());
    });

    it('notes nothing where what was noted before is not there', async () => {
      await store.advance('topic', [{ partition: 0, from: undefined, to: 5 }]);
      const steps = [
        { partition: 1, from: undefined, to: 1 },
        { partition: 0, from: 4, to: 6 },
      ];
      expect(await store.advance('topic', steps)).toBe(false);
      expect(await store.advance('topic', [{ partition: 2, from: 3, to: 4 }])).toBe(false);
      expect(await store.progress('topic')).toEqual(new Map([[0, 5]]));
    });

    it('answers that it is there', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
