/** How devices look to a human reader. */
import type { CacheInfo, Device, DeviceSummary, HealthStatus, Reading, WatchEvent } from '@breakwater/device-client';
import { facts, inOneLine, table } from './table.ts';

const LIST = [
  { title: 'ID' },
  { title: 'UPDATED' },
  { title: 'CATEGORIES' },
  { title: 'READINGS', isNumeric: true },
  { title: 'METADATA' },
];

export function listView(devices: readonly DeviceSummary[]): string {
  if (devices.length === 0) return 'No devices.';
  const rows = devices.map(({ id, lastUpdated, categories, readingCount, metadata }) => [
    id,
    lastUpdated,
    categories.join(','),
    String(readingCount),
    shortened(jsonOf(metadata), 60),
  ]);
  return table(LIST, rows);
}

export function deviceView({ id, lastUpdated, metadata, readings }: Device): string {
  const head: [string, string][] = [
    ['device', id],
    ['updated', lastUpdated],
    ...Object.entries(metadata).map(([name, value]): [string, string] => [name, plain(value)]),
  ];
  return readings.length === 0 ? facts(head) : `${facts(head)}\n\n${readingsView(readings)}`;
}

const READINGS = [
  { title: 'CATEGORY' },
  { title: 'INDEX' },
  { title: 'NAME' },
  { title: 'VALUES' },
  { title: 'UNIT' },
  { title: 'TIMESTAMP' },
];

function readingsView(readings: readonly Reading[]): string {
  const rows = readings.map(({ index, values, timestamp, metadata }) => [
    metadata?.datatype_category ?? '-',
    index,
    metadata?.datatype_name ?? '-',
    shortened(values.map(plain).join(', '), 60),
    metadata?.datatype_unit ?? '-',
    timestamp,
  ]);
  return table(READINGS, rows);
}

export function infoView({ store, devices, memoryBytes, oldestEntry, newestEntry, hitRatios }: CacheInfo): string {
  const ratios = Object.entries(hitRatios).map(([tier, ratio]): [string, string] => [
    `hit ratio, ${tier}`,
    ratio === null ? 'nothing asked yet' : `${(ratio * 100).toFixed(1)} %`,
  ]);
  return facts([
    ['store', store],
    ['devices', devices.toLocaleString('en')],
    ['memory', memoryBytes === null ? 'unknown' : `${memoryBytes.toLocaleString('en')} bytes`],
    ['oldest entry', oldestEntry ?? 'none'],
    ['newest entry', newestEntry ?? 'none'],
    ...ratios,
  ]);
}

export function healthView({ status, causes }: HealthStatus): string {
  return [status, ...causes.map(({ component, status: level, message }) => `  ${component}: ${level}, ${message}`)]
    .map(inOneLine)
    .join('\n');
}

/** One line for what a watch tells. */
export function eventView(event: WatchEvent): string {
  switch (event.type) {
    case 'ready':
      return `watching from ${inOneLine(event.position)} on`;
    case 'resync':
      return `changes may have been missed (${event.reason}): what you have read may be old`;
    case 'change': {
      const categories = event.categories.length === 0 ? '' : ` ${event.categories.join(',')}`;
      return inOneLine(`${event.at}  ${event.deviceId}  ${event.cause}${categories}`);
    }
  }
}

const jsonOf = (value: object): string => (Object.keys(value).length === 0 ? '' : JSON.stringify(value));

/** Texts as they are, everything else as JSON. */
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const shortened = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
