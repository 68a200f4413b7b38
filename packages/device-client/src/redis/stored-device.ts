import type { Device, DeviceSummary } from '../contract/device.ts';
import type { JsonObject } from '../contract/json-value.ts';
import { type Reading, readingSchema } from '../contract/reading.ts';
import { InvalidResponse } from '../errors/errors.ts';
import { conforming } from '../transport/conforming.ts';
import { listOf, numberOf, textOf } from './reply.ts';

/** A device of a reply of `READ_DEVICE` with `count`; undefined when there is none. */
export function summaryOfReply(id: string, reply: unknown): DeviceSummary | undefined {
  const stored = storedOf(reply);
  if (stored === undefined) return undefined;
  const counts = stored.parts.map(([category, count]) => [category, numberOf(count)] as const);
  return {
    id,
    lastUpdated: stored.lastUpdated,
    metadata: metadataOf(id, stored.metadata),
    categories: inOrder(counts.filter(([, count]) => count > 0).map(([category]) => category)),
    readingCount: counts.reduce((sum, [, count]) => sum + count, 0),
  };
}

/** The same with `values`: with its readings. */
export function deviceOfReply(id: string, reply: unknown): Device | undefined {
  const stored = storedOf(reply);
  if (stored === undefined) return undefined;
  const lists = stored.parts
    .map(([category, values]) => ({ category, readings: readingsOf(id, listOf(values)) }))
    .filter(({ readings }) => readings.length > 0)
    .toSorted((a, b) => compare(a.category, b.category));
  const readings = lists.flatMap((list) => list.readings);
  return {
    id,
    lastUpdated: stored.lastUpdated,
    metadata: metadataOf(id, stored.metadata),
    categories: lists.map(({ category }) => category),
    readingCount: readings.length,
    readings,
  };
}

/** A device without its readings. */
export function summaryOf({ readings: _readings, ...summary }: Device): DeviceSummary {
  return summary;
}

interface Stored {
  readonly metadata: string;
  readonly lastUpdated: string;
  readonly parts: readonly (readonly [category: string, content: unknown])[];
}

function storedOf(reply: unknown): Stored | undefined {
  if (reply === null) return undefined;
  const [metadata, lastUpdated, parts] = listOf(reply);
  return {
    metadata: textOf(metadata),
    lastUpdated: textOf(lastUpdated),
    parts: listOf(parts).map((part) => {
      const [category, content] = listOf(part);
      return [textOf(category), content];
    }),
  };
}

const readingsOf = (id: string, values: readonly unknown[]): readonly Reading[] =>
  values
    .map((value) => conforming(readingSchema, jsonOf(id, textOf(value)), `the reading of ${id} in Redis`))
    .toSorted((a, b) => compare(a.index, b.index));

function metadataOf(id: string, text: string): JsonObject {
  const value = text === '' ? {} : jsonOf(id, text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new InvalidResponse(`the metadata of ${id} in Redis is no object`, []);
}

function jsonOf(id: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidResponse(`what is kept of ${id} in Redis is no JSON`, [], { cause });
  }
}

const inOrder = (texts: readonly string[]): readonly string[] => texts.toSorted(compare);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
