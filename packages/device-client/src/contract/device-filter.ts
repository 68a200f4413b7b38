import type { Device, DeviceSummary } from './device.ts';
import type { DeviceFilter } from './query.ts';
import { categoryOf, type Reading } from './reading.ts';
import { timestampMs } from './timestamp.ts';

/** Whether an id is as a pattern says: `*` stands for any text, `?` for one character. Takes at most pattern × id steps. */
export function matchesPattern(pattern: string, id: string): boolean {
  let at = 0;
  let inPattern = 0;
  // Where the last star stands, and up to where it reaches.
  let star = -1;
  let reach = 0;
  while (at < id.length) {
    const wanted = pattern[inPattern];
    if (wanted === '*') {
      star = inPattern++;
      reach = at;
    } else if (wanted === '?' || wanted === id[at]) {
      inPattern++;
      at++;
    } else if (star >= 0) {
      inPattern = star + 1;
      at = ++reach;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === '*') inPattern++;
  return inPattern === pattern.length;
}

/** Whether a filter has to see the readings, and not only which categories there are. */
export const needsReadings = ({ unit, datatype }: DeviceFilter): boolean =>
  unit !== undefined || datatype !== undefined;

/** Whether a device is one that a filter means. It needs its readings where {@link needsReadings} says so. */
export function passesFilter(device: DeviceSummary & Partial<Pick<Device, 'readings'>>, filter: DeviceFilter): boolean {
  const { pattern, updatedSince, category } = filter;
  if (pattern !== undefined && !matchesPattern(pattern, device.id)) return false;
  if (updatedSince !== undefined && timeOf(device.lastUpdated) < timeOf(updatedSince)) return false;
  if (needsReadings(filter)) return device.readings?.some((reading) => isMeant(reading, filter)) === true;
  return category === undefined || device.categories.includes(category);
}

function isMeant(reading: Reading, { category, unit, datatype }: DeviceFilter): boolean {
  const { metadata } = reading;
  if (category !== undefined && categoryOf(reading) !== category) return false;
  if (unit !== undefined && metadata?.datatype_unit !== unit) return false;
  return datatype === undefined || metadata?.datatype_name === datatype || String(metadata?.datatype_id) === datatype;
}

const timeOf = (timestamp: string): number => timestampMs(timestamp) ?? 0;
