import type { Device, DeviceSummary, JsonObject, Reading } from '@breakwater/device-client/contract';
import { categoryOf } from '@breakwater/device-client/contract';

/** What a store knows of a device beside its readings. */
export interface DeviceFacts {
  readonly id: string;
  readonly lastUpdatedMs: number;
  readonly metadata: JsonObject;
}

/** A device as the contract shows it, its readings in the order of category and index. */
export function deviceView(facts: DeviceFacts, readings: readonly Reading[]): Device {
  const sorted = readings.toSorted((a, b) => compare(categoryOf(a), categoryOf(b)) || compare(a.index, b.index));
  const categories = [...new Set(sorted.map(categoryOf))];
  return { ...summaryView(facts, categories, sorted.length), readings: sorted };
}

/** A device as lists have it. */
export function summaryView(
  { id, lastUpdatedMs, metadata }: DeviceFacts,
  categories: readonly string[],
  readingCount: number,
): DeviceSummary {
  const sorted = categories.toSorted(compare);
  return { id, lastUpdated: new Date(lastUpdatedMs).toISOString(), metadata, categories: sorted, readingCount };
}

/** By the numbers of the characters, not by anybody's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Midnight is the beginning of a day here, and not the end of another. */
const SHOWN_MOMENT = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z$/;

/** Whether a moment is written as the contract shows moments: in UTC, to the millisecond. */
export const isShownMoment = (text: string): boolean => SHOWN_MOMENT.test(text);

/** A reading that is kept as JSON, with what it is sorted by. */
export interface KeptReading {
  readonly category: string;
  readonly index: string;
  readonly json: string;
}

/**
 * What {@link deviceView} shows, as JSON that is put together from what is kept: nothing is read to be written again.
 * `lastUpdated` is as the contract shows it; ids have no character that JSON would write otherwise.
 */
export function deviceJson(id: string, lastUpdated: string, metadata: string, readings: KeptReading[]): string {
  if (readings.length > 1) readings.sort((a, b) => compare(a.category, b.category) || compare(a.index, b.index));
  let [categories, list, before] = ['', '', ''];
  for (const { category, json } of readings) {
    if (category !== before) categories += (before === '' ? '' : ',') + JSON.stringify(category);
    list += list === '' ? json : `,${json}`;
    before = category;
  }
  return `{"id":"${id}","lastUpdated":"${lastUpdated}","metadata":${metadata},"categories":[${categories}],"readingCount":${readings.length},"readings":[${list}]}`;
}
