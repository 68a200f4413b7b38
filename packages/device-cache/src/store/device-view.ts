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

/** A reading that is kept as JSON, with what it is sorted by. */
export interface KeptReading {
  readonly category: string;
  readonly index: string;
  readonly json: string;
}

/** What {@link deviceView} shows, as JSON that is put together from what is kept: nothing is read to be written again. */
export function deviceJson(id: string, lastUpdatedMs: number, metadata: string, readings: KeptReading[]): string {
  readings.sort((a, b) => compare(a.category, b.category) || compare(a.index, b.index));
  const categories: string[] = [];
  let list = '';
  for (const { category, json } of readings) {
    if (categories.at(-1) !== category) categories.push(category);
    list += list === '' ? json : `,${json}`;
  }
  const lastUpdated = new Date(lastUpdatedMs).toISOString();
  // Ids have no character that JSON would write otherwise.
  return `{"id":"${id}","lastUpdated":"${lastUpdated}","metadata":${metadata},"categories":${JSON.stringify(categories)},"readingCount":${readings.length},"readings":[${list}]}`;
}
