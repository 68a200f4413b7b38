import type { Device } from '@breakwater/device-client';
import { describe, expect, it } from 'vitest';
import { deviceView, eventView, healthView, infoView, listView } from './views.ts';

const device = (more: Partial<Device> = {}): Device => ({
  ...{ id: 'station_123', lastUpdated: '2024-03-01T12:00:00.000Z', metadata: {}, categories: ['P'], readingCount: 0 },
  readings: [],
  ...more,
});
const escape = '\u001b[2J';

describe('a table of devices', () => {
  it('has columns as wide as their widest entry, also of Hangul, and numbers to the right', () => {
    const rows = listView([
      device({ id: 'a', metadata: { name: '지붕' }, readingCount: 7 }),
      device({ id: 'station_123', readingCount: 120, categories: ['M', 'P'] }),
    ]);
    expect(rows).toBe(
      [
        'ID           UPDATED                   CATEGORIES  READINGS  METADATA',
        'a            2024-03-01T12:00:00.000Z  P                  7  {"name":"지붕"}',
        'station_123  2024-03-01T12:00:00.000Z  M,P              120',
      ].join('\n'),
    );
  });

  it('says when there are none', () => {
    expect(listView([])).toBe('No devices.');
  });

  it('never lets what came from outside command the terminal or break a line', () => {
    const spoilt = device({ id: `a${escape}`, metadata: { [`n\n${escape}`]: `x\r${escape}` } });
    const views = [
      listView([spoilt]),
      deviceView(spoilt),
      healthView({
        status: 'degraded',
        checkedAt: '',
        causes: [{ component: escape, status: 'degraded', message: '' }],
      }),
    ];
    for (const view of views) expect(view).not.toContain('\u001b');
    expect(deviceView(spoilt).split('\n')).toHaveLength(3);
  });
});

it('a device is shown with its metadata and its readings', () => {
  const reading = {
    ...{ request_id: 'r', device_id: 'station_123', labels: null, display_names: null },
    ...{ timestamp: '2024-03-01T12:00:00Z', index: 'T', values: [25.5, 'high', null] },
    metadata: {
      ...{ datatype_id: 1, datatype_name: 'Temperature', datatype_unit: 'Celsius', datatype_type: [] },
      ...{ datatype_category: 'P', persist: true },
    },
  };
  const shown = deviceView(
    device({ metadata: { name: 'Roof', floor: 3 }, readings: [reading, { ...reading, metadata: null }] }),
  );
  expect(shown).toBe(
    [
      'device   station_123',
      'updated  2024-03-01T12:00:00.000Z',
      'name     Roof',
      'floor    3',
      '',
      'CATEGORY  INDEX  NAME         VALUES            UNIT     TIMESTAMP',
      'P         T      Temperature  25.5, high, null  Celsius  2024-03-01T12:00:00Z',
      '-         T      -            25.5, high, null  -        2024-03-01T12:00:00Z',
    ].join('\n'),
  );
});

it('what the cache holds is shown with what is not known named as that', () => {
  const info = { store: 'redis', devices: 12_345, memoryBytes: null, oldestEntry: null, newestEntry: null };
  const shown = infoView({ ...info, hitRatios: { store: null, near: 0.987 } });
  expect(shown).toContain('devices           12,345');
  expect(shown).toContain('memory            unknown');
  expect(shown).toContain('hit ratio, near   98.7 %');
  expect(shown).toContain('hit ratio, store  nothing asked yet');
});

it('an event of a watch is one line', () => {
  const change = { type: 'change', position: '1', deviceId: 'a', at: '2024-03-01T12:00:00Z' } as const;
  expect(eventView({ ...change, cause: 'readings', categories: ['P', 'M'] })).toBe(
    '2024-03-01T12:00:00Z  a  readings P,M',
  );
  expect(eventView({ type: 'resync', position: '1', reason: 'log-exceeded' })).toMatch(/may have been missed/);
});
