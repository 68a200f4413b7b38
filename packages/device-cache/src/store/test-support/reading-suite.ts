/** What every store does with readings, metadata and deletions. */
import { systemClock } from 'breakwater/clock';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareFences } from '../../message/fence.ts';
import type { DeviceStore } from '../store.ts';
import { fenced, START_MS, temperature } from './readings.ts';

/** @param store The store of the test that runs. */
export function readingSuite(store: () => DeviceStore, make: () => Promise<DeviceStore>, propertyRuns: number): void {
  const valueOf = async (id: string, index = 'T'): Promise<unknown> =>
    (await store().get([id]))[0]?.readings.find((reading) => reading.index === index)?.values[0];

  const listIds = async (): Promise<string[]> =>
    (await store().list({ limit: 100, sort: 'id' })).devices.map(({ id }) => id);

  it('keeps a reading with the fields that nobody knows', async () => {
    const written = fenced('s1', 0, { firmware: { major: 3, flags: [null, true] } });
    expect(await store().write([written])).toEqual(['stored']);
    expect(await store().get(['s1'])).toEqual([
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
    await store().write([fenced('s1', 0, { values })]);
    expect((await store().get(['s1']))[0]?.readings[0]?.values).toEqual(values);
  });

  it('never lets an older reading overwrite a newer one', async () => {
    expect(await store().write([fenced('s1', 10, { values: ['new'] })])).toEqual(['stored']);
    expect(await store().write([fenced('s1', 9, { values: ['late'], offset: 99 })])).toEqual(['outdated']);
    expect(await valueOf('s1')).toBe('new');
  });

  it('decides by the offset at equal timestamps', async () => {
    await store().write([fenced('s1', 0, { values: ['b'], offset: 5 })]);
    expect(await store().write([fenced('s1', 0, { values: ['a'], offset: 4 })])).toEqual(['outdated']);
    expect(await store().write([fenced('s1', 0, { values: ['c'], offset: 6 })])).toEqual(['stored']);
    expect(await valueOf('s1')).toBe('c');
  });

  it('tells microseconds apart', async () => {
    const first = fenced('s1', 0, { values: ['first'] });
    await store().write([{ ...first, timestampUs: first.timestampUs + 2 }]);
    const outcomes = await store().write([{ ...fenced('s1', 0, { offset: 9 }), timestampUs: first.timestampUs + 1 }]);
    expect(outcomes).toEqual(['outdated']);
  });

  it('changes nothing when a reading is delivered again', async () => {
    const message = fenced('s1', 0);
    await store().write([message]);
    const before = await store().get(['s1']);
    expect(await store().write([message])).toEqual(['outdated']);
    expect(await store().get(['s1'])).toEqual(before);
  });

  it('has the same device as JSON', async () => {
    await store().write([
      fenced('s1', 0, { index: 'ü "quoted"' }),
      fenced('s1', 0, { metadata: null }),
      fenced('s1', 0),
    ]);
    await store().put([
      { id: 's1', metadata: { name: 'N"ord', flags: [null] } },
      { id: 's2', metadata: {} },
    ]);
    const texts = await store().getJson(['s1', 's2', 's3']);
    expect(texts.map((text) => text && (JSON.parse(text) as unknown))).toEqual(await store().get(['s1', 's2', 's3']));
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
    await store().write([fenced('s1', 0, { values: [1] }), fenced('s1', 1, { values: [2], metadata: other })]);
    expect((await store().get(['s1']))[0]).toMatchObject({ categories: ['M', 'P'], readingCount: 2 });
  });

  it('keeps readings without metadata as uncategorised', async () => {
    await store().write([fenced('s1', 0, { metadata: null })]);
    expect((await store().get(['s1']))[0]?.categories).toEqual(['uncategorised']);
  });

  it('replaces metadata and leaves readings alone', async () => {
    await store().write([fenced('s1', 0)]);
    await store().put([{ id: 's1', metadata: { name: 'North', flags: [null, false] } }]);
    await store().put([{ id: 's1', metadata: { name: 'South' } }]);
    const [device] = await store().get(['s1']);
    expect(device).toMatchObject({ metadata: { name: 'South' }, readingCount: 1 });
    expect(Date.parse(device!.lastUpdated)).toBeGreaterThanOrEqual(START_MS);
  });

  it('has devices that nobody has read yet', async () => {
    const [put] = await store().put([{ id: 's1', metadata: { a: 1 } }]);
    expect(put).toMatchObject({ id: 's1', metadata: { a: 1 }, readingCount: 0, categories: [] });
    expect(await listIds()).toEqual(['s1']);
  });

  it('never moves lastUpdated back', async () => {
    await store().write([fenced('s1', 5_000)]);
    await store().write([fenced('s1', 1_000, { index: 'U' })]);
    expect((await store().get(['s1']))[0]?.lastUpdated).toBe(new Date(START_MS + 5_000).toISOString());
  });

  it('answers in the order of the ids, with nothing for unknown ones', async () => {
    await store().write([fenced('a', 0), fenced('b', 0)]);
    expect((await store().get(['b', 'x', 'a'])).map((device) => device?.id)).toEqual(['b', undefined, 'a']);
  });

  it('forgets a deleted device, and is not brought back by readings from before', async () => {
    await store().write([fenced('s1', 0)]);
    expect(await store().delete('s1')).toBe(true);
    expect(await store().delete('s1')).toBe(false);
    expect(await store().write([fenced('s1', 0, { offset: 99 })])).toEqual(['outdated']);
    expect(await store().get(['s1'])).toEqual([undefined]);
    expect(await listIds()).toEqual([]);
  });

  it('takes a deleted device in again with a reading from after the deletion', async () => {
    await store().write([fenced('s1', 0)]);
    await store().delete('s1');
    const later = systemClock.wallTime() + 3_600_000 - START_MS;
    expect(await store().write([fenced('s1', later)])).toEqual(['stored']);
    expect((await store().get(['s1']))[0]?.readingCount).toBe(1);
  });

  it('is not brought back either by a reading that was ahead of the clock', async () => {
    const ahead = fenced('s1', systemClock.wallTime() + 7_200_000 - START_MS);
    await store().write([ahead]);
    await store().delete('s1');
    expect(await store().write([ahead])).toEqual(['outdated']);
  });
}
