import {
  Array as List,
  Boolean as Flag,
  Integer,
  Null,
  Object as Shape,
  Optional,
  String as Text,
  Union,
} from 'typebox';
import type { TUnsafe } from 'typebox';
import { Unsafe } from 'typebox';
import type { JsonValue } from './json-value.ts';
import { CATEGORY_PATTERN, DEVICE_ID_PATTERN, INDEX_PATTERN, TIMESTAMP_PATTERN, UNCATEGORISED } from './limits.ts';
import { schemaOf } from './schema.ts';

/** What kind of value a reading holds. */
export interface Datatype {
  readonly datatype_id: string | number;
  /** Such as `Temperature`. */
  readonly datatype_name: string;
  /** Such as `Celsius`; null where it has none. */
  readonly datatype_unit?: string | null | undefined;
  readonly datatype_type: readonly string[];
  /** Such as P, M, C, S or L: readings are kept by it. */
  readonly datatype_category: string;
  /** Whether the reading is also to be stored for good, elsewhere. */
  readonly persist: boolean;
  readonly [field: string]: unknown;
}

/** One reading of a device, as it stands on the topic and in the store. Fields that are not named here are kept. */
export interface Reading {
  /** The same for all readings of one raw message; usually a UUID. */
  readonly request_id: string;
  /** ISO 8601; without a zone it is UTC. */
  readonly timestamp: string;
  readonly device_id: string;
  readonly values: readonly JsonValue[];
  readonly labels: readonly JsonValue[] | null;
  readonly display_names: readonly JsonValue[] | null;
  /** What is measured, unique among the readings of a device and category: `T`, `U`, `P_int`. */
  readonly index: string;
  readonly metadata: Datatype | null;
  readonly [field: string]: unknown;
}

/** A reading as writers send it: `labels`, `display_names` and `metadata` may be missing, and older writers say `label`. */
export interface ReadingMessage {
  readonly request_id: string;
  readonly timestamp: string;
  readonly device_id: string;
  readonly values: readonly JsonValue[];
  readonly labels?: readonly JsonValue[] | null | undefined;
  /** What older writers call `labels`; a single text stands for a list of one. */
  readonly label?: readonly JsonValue[] | string | null | undefined;
  readonly display_names?: readonly JsonValue[] | null | undefined;
  readonly index: string;
  readonly metadata?: Datatype | null | undefined;
  readonly [field: string]: unknown;
}

const jsonValue: TUnsafe<JsonValue> = Unsafe<JsonValue>({});
const listOrNull = Union([List(jsonValue), Null()], { examples: [['Temperature']] });
const openObject = { additionalProperties: true };

const datatype = Shape(
  {
    datatype_id: Union([Text({ minLength: 1, maxLength: 200 }), Integer()], { examples: [1] }),
    datatype_name: Text({ maxLength: 500, examples: ['Temperature'] }),
    datatype_unit: Optional(Union([Text({ maxLength: 100 }), Null()], { examples: ['Celsius'] })),
    datatype_type: List(Text({ maxLength: 100, examples: ['float'] }), { maxItems: 100 }),
    datatype_category: Text({ pattern: CATEGORY_PATTERN, examples: ['P'] }),
    persist: Flag(),
  },
  openObject,
);

const always = {
  request_id: Text({ minLength: 1, maxLength: 200, examples: ['req_456'] }),
  timestamp: Text({ pattern: TIMESTAMP_PATTERN, examples: ['2026-01-01T12:00:00Z'] }),
  device_id: Text({ pattern: DEVICE_ID_PATTERN, examples: ['station_123'] }),
  values: List(jsonValue, { examples: [[25.5]] }),
  index: Text({ pattern: INDEX_PATTERN, examples: ['T'] }),
};

export const datatypeSchema: TUnsafe<Datatype> = schemaOf<Datatype>()(datatype);

export const readingSchema: TUnsafe<Reading> = schemaOf<Reading>()(
  Shape({ ...always, labels: listOrNull, display_names: listOrNull, metadata: Union([datatype, Null()]) }, openObject),
);

export const readingMessageSchema: TUnsafe<ReadingMessage> = schemaOf<ReadingMessage>()(
  Shape(
    {
      ...always,
      labels: Optional(listOrNull),
      label: Optional(
        Union([List(jsonValue), Text(), Null()], { description: 'What older writers call labels', examples: [null] }),
      ),
      display_names: Optional(listOrNull),
      metadata: Optional(Union([datatype, Null()])),
    },
    openObject,
  ),
);

/** A checked message in the form in which readings are kept: nothing missing, and `label` under its new name. */
export function readingOf(message: ReadingMessage): Reading {
  if (isWhole(message)) return message;
  const { label, ...fields } = message;
  const older = typeof label === 'string' ? [label] : (label ?? null);
  return {
    ...fields,
    labels: message.labels ?? older,
    display_names: message.display_names ?? null,
    metadata: message.metadata ?? null,
  };
}

function isWhole(message: ReadingMessage): message is ReadingMessage & Reading {
  const { label, labels, display_names: displayNames, metadata } = message;
  return label === undefined && labels !== undefined && displayNames !== undefined && metadata !== undefined;
}

/** The category under which a reading is kept. */
export const categoryOf = ({ metadata }: Pick<Reading, 'metadata'>): string =>
  metadata?.datatype_category ?? UNCATEGORISED;
