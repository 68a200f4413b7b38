import {
  Array as List,
  Integer,
  Null,
  Object as Shape,
  Record as Dictionary,
  String as Text,
  type TUnsafe,
  Union,
  Unsafe,
} from 'typebox';
import type { JsonObject, JsonValue } from './json-value.ts';
import { CATEGORY_PATTERN, DEVICE_ID_PATTERN, MAX_BATCH, TIMESTAMP_PATTERN } from './limits.ts';
import { type Reading, readingSchema } from './reading.ts';
import { schemaOf } from './schema.ts';

/** A device as lists have it: without its readings. */
export interface DeviceSummary {
  readonly id: string;
  /** The newest of the timestamps of its readings and of the moments at which its metadata was put; ISO 8601, UTC, to the millisecond. */
  readonly lastUpdated: string;
  /** What was put for it: its name, its place, whatever its users agree on. Empty where nothing was. */
  readonly metadata: JsonObject;
  /** The categories of its readings, in the order of their characters. */
  readonly categories: readonly string[];
  readonly readingCount: number;
  readonly [field: string]: unknown;
}

/** A device with the latest of each of its readings, in the order of category and index. */
export interface Device extends DeviceSummary {
  readonly readings: readonly Reading[];
}

/** What may be put for a device: it replaces the metadata that was there; readings stay. */
export interface DeviceInput {
  readonly metadata: JsonObject;
}

/** A device to put, in a batch. */
export interface DeviceEntry extends DeviceInput {
  readonly id: string;
}

/** A page of a list. */
export interface DevicePage {
  readonly devices: readonly DeviceSummary[];
  /** Where the next page begins; opaque, null on the last page. */
  readonly nextCursor: string | null;
  readonly [field: string]: unknown;
}

/** The readings of one device. */
export interface ReadingList {
  readonly deviceId: string;
  readonly readings: readonly Reading[];
  readonly [field: string]: unknown;
}

/** Which devices a batch asks for. */
export interface BatchRequest {
  readonly ids: readonly string[];
}

/** What a batch has found: devices in the order of their ids in the request, each once. */
export interface BatchResult {
  readonly devices: readonly Device[];
  /** Ids that no device has. */
  readonly missing: readonly string[];
  readonly [field: string]: unknown;
}

/** Devices to put at once. */
export interface PutManyRequest {
  readonly devices: readonly DeviceEntry[];
}

/** Devices that were put, in the order of the request. */
export interface PutManyResult {
  readonly devices: readonly DeviceSummary[];
  readonly [field: string]: unknown;
}

const open = { additionalProperties: true };
const closed = { additionalProperties: false };
const deviceId = Text({ pattern: DEVICE_ID_PATTERN, description: 'The id of a device', examples: ['station_123'] });
const metadata: TUnsafe<JsonObject> = Unsafe<JsonObject>(
  Dictionary(Text(), Unsafe<JsonValue>({}), { examples: [{ name: 'Roof' }] }),
);
const summary = {
  id: deviceId,
  lastUpdated: Text({ pattern: TIMESTAMP_PATTERN, examples: ['2026-01-01T12:00:00.000Z'] }),
  metadata,
  categories: List(Text({ pattern: CATEGORY_PATTERN, examples: ['P'] })),
  readingCount: Integer({ minimum: 0, examples: [1] }),
};

/** The `:id` of a path. */
export const deviceIdSchema: TUnsafe<string> = schemaOf<string>()(deviceId);

export const deviceSummarySchema: TUnsafe<DeviceSummary> = schemaOf<DeviceSummary>()(Shape(summary, open));

export const deviceSchema: TUnsafe<Device> = schemaOf<Device>()(
  Shape({ ...summary, readings: List(readingSchema) }, open),
);

export const deviceInputSchema: TUnsafe<DeviceInput> = schemaOf<DeviceInput>()(Shape({ metadata }, closed));

export const devicePageSchema: TUnsafe<DevicePage> = schemaOf<DevicePage>()(
  Shape({ devices: List(deviceSummarySchema), nextCursor: Union([Text(), Null()]) }, open),
);

export const readingListSchema: TUnsafe<ReadingList> = schemaOf<ReadingList>()(
  Shape({ deviceId, readings: List(readingSchema) }, open),
);

export const batchRequestSchema: TUnsafe<BatchRequest> = schemaOf<BatchRequest>()(
  Shape({ ids: List(deviceId, { minItems: 1, maxItems: MAX_BATCH }) }, closed),
);

export const batchResultSchema: TUnsafe<BatchResult> = schemaOf<BatchResult>()(
  Shape({ devices: List(deviceSchema), missing: List(deviceId) }, open),
);

export const putManyRequestSchema: TUnsafe<PutManyRequest> = schemaOf<PutManyRequest>()(
  Shape({ devices: List(Shape({ id: deviceId, metadata }, closed), { minItems: 1, maxItems: MAX_BATCH }) }, closed),
);

export const putManyResultSchema: TUnsafe<PutManyResult> = schemaOf<PutManyResult>()(
  Shape({ devices: List(deviceSummarySchema) }, open),
);
