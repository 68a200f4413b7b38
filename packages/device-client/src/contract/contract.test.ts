import { Number as Numeric, Object as Shape, Optional, String as Text } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import {
  categoryOf,
  deviceIdSchema,
  devicePath,
  deviceSchema,
  listQuerySchema,
  paths,
  type ReadingMessage,
  readingMessageSchema,
  readingOf,
  readingSchema,
  redisKeys,
  timestampMs,
} from './index.ts';
import { schemaOf } from './schema.ts';

const message = (more: object = {}): ReadingMessage => ({
  request_id: 'req_456',
  timestamp: '2026-03-01T12:00:00Z',
  device_id: 'station_123',
  values: [25.5],
  labels: null,
  display_names: ['Temperature'],
  index: 'T',
  metadata: {
    datatype_id: 'dt_1',
    datatype_name: 'Temperature',
    datatype_unit: 'Celsius',
    datatype_type: ['float'],
    datatype_category: 'P',
    persist: true,
  },
  ...more,
});
const accepted = (more: object): boolean => Value.Check(readingMessageSchema, message(more));

describe('a reading', () => {
  it('holds numbers, texts, flags, nulls, lists and objects', () => {
    expect(accepted({ values: [25.5, 'high', true, null, [1, [2]], { unit: 'm' }] })).toBe(true);
    expect(accepted({ values: [] })).toBe(true);
    expect(accepted({ values: 25.5 })).toBe(false);
  });

  it('may lack labels, display names and metadata, which are then null', () => {
    const { labels: _labels, display_names: _names, metadata: _metadata, ...rest } = message();
    expect(Value.Check(readingMessageSchema, rest)).toBe(true);
    const reading = readingOf(rest);
    expect(reading).toMatchObject({ labels: null, display_names: null, metadata: null });
    expect(Value.Check(readingSchema, reading)).toBe(true);
    expect(categoryOf(reading)).toBe('uncategorised');
  });

  it.each([
    [['outdoor'], ['outdoor']],
    ['outdoor', ['outdoor']],
    [null, null],
  ])('takes the label %j of older writers for its labels', (label, labels) => {
    const { labels: _labels, ...older } = message({ label });
    expect(Value.Check(readingMessageSchema, older)).toBe(true);
    expect(readingOf(older as ReadingMessage)).toMatchObject({ labels });
    expect(readingOf(older as ReadingMessage)).not.toHaveProperty('label');
  });

  it('keeps fields that nobody here knows, in itself and in its metadata', () => {
    const reading = readingOf(message({ firmware: '1.2', metadata: { ...message().metadata, precision: 2 } }));
    expect(Value.Check(readingSchema, reading)).toBe(true);
    expect(reading).toMatchObject({ firmware: '1.2', metadata: { precision: 2 } });
  });

  it.each([
    { index: '' },
    { index: 'a\u0000b' },
    { device_id: '../etc' },
    { device_id: '' },
    { timestamp: 'yesterday' },
    { timestamp: 1_700_000_000 },
    { request_id: '' },
    { metadata: { datatype_id: 'x' } },
    { metadata: { ...message().metadata, datatype_category: 'a:b' } },
    { labels: 'outdoor' },
  ])('is none with %j', (more) => {
    expect(accepted(more)).toBe(false);
  });
});

describe('a timestamp', () => {
  it.each([
    ['2026-03-01T12:00:00Z', Date.UTC(2026, 2, 1, 12)],
    ['2026-03-01T12:00:00', Date.UTC(2026, 2, 1, 12)],
    ['2026-03-01 12:00', Date.UTC(2026, 2, 1, 12)],
    ['2026-03-01T12:00:00.123456', Date.UTC(2026, 2, 1, 12, 0, 0, 123)],
    ['2026-03-01T12:00:00,5+02:00', Date.UTC(2026, 2, 1, 10, 0, 0, 500)],
    ['2026-03-01T12:00:00,500Z', Date.UTC(2026, 2, 1, 12, 0, 0, 500)],
    ['2026-03-01 12:00:00.500Z', Date.UTC(2026, 2, 1, 12, 0, 0, 500)],
    ['2026-03-31T12:00:00.500Z', Date.UTC(2026, 2, 31, 12, 0, 0, 500)],
    ['2026-03-01T12:00:00-0530', Date.UTC(2026, 2, 1, 17, 30)],
    ['2026-03-01T12:00:00+02', Date.UTC(2026, 2, 1, 10)],
  ])('%s is a moment, in UTC where it has no zone', (text, ms) => {
    expect(timestampMs(text)).toBe(ms);
  });

  it.each(['2026-02-30T12:00:00Z', '2026-13-01T12:00:00Z', '2026-01-01T25:00:00Z', '2026-01-01', 'now', ''])(
    '%j is none',
    (text) => expect(timestampMs(text)).toBeUndefined(),
  );
});

describe('an id of a device', () => {
  it.each(['station_123', '00:1b:44:11:3a:b7', 'a', 'x'.repeat(200), 'plant.7@hall-2'])('may be %s', (id) => {
    expect(Value.Check(deviceIdSchema, id)).toBe(true);
  });

  it.each(['', '..', '../x', '.hidden', '-x', 'a/b', 'a\u0000', 'Grün', 'a b', '{a}', 'x'.repeat(201), 'a\n'])(
    'may not be %j',
    (id) => expect(Value.Check(deviceIdSchema, id)).toBe(false),
  );

  it('stands in a path in its own place', () => {
    expect(devicePath(paths.deviceReadings, '00:1b')).toBe('/v1/devices/00%3A1b/readings');
  });
});

it('a device keeps what its schema does not name', () => {
  const device = {
    id: 'a',
    lastUpdated: '2026-03-01T12:00:00.000Z',
    metadata: { place: { lat: 1 } },
    categories: ['P'],
    readingCount: 1,
    readings: [readingOf(message())],
    since: 'version 9',
  };
  expect(Value.Check(deviceSchema, device)).toBe(true);
  expect(Value.Check(listQuerySchema, { limit: 1001 })).toBe(false);
});

describe('the keys in Redis', () => {
  it('are those that users of the bare Redis know', () => {
    const keys = redisKeys();
    expect([keys.metadata('a'), keys.categories('a'), keys.readings('a', 'P'), keys.devices]).toEqual([
      'device:a:metadata',
      'device:a:categories',
      'device:a:category:P:readings',
      'devices',
    ]);
  });

  it('of a device share a slot of a cluster with hash tags, and so do those of the registry', () => {
    const keys = redisKeys({ prefix: 'eu:', hashTags: true });
    const ofDevice = [keys.metadata('a'), keys.categories('a'), keys.readings('a', 'P'), keys.fences('a')];
    const tag = (key: string): string | undefined => /\{(.+?)\}/.exec(key)?.[1];
    expect(new Set(ofDevice.map(tag))).toEqual(new Set(['a']));
    expect(new Set([keys.devices, keys.updated, keys.ids, keys.changes].map(tag))).toEqual(new Set(['devices']));
    expect(ofDevice.every((key) => key.startsWith('eu:'))).toBe(true);
  });
});

it('a schema that lets through what its type does not have does not compile', () => {
  interface Point {
    readonly x: number;
  }
  schemaOf<Point>()(Shape({ x: Numeric() }));
  // @ts-expect-error x may be missing
  schemaOf<Point>()(Shape({ x: Optional(Numeric()) }));
  // @ts-expect-error x is a text
  schemaOf<Point>()(Shape({ x: Text() }));
  expect(Value.Check(schemaOf<Point>()(Shape({ x: Numeric() })), { x: '1' })).toBe(false);
});
