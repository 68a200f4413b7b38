import {
  Array as List,
  Integer,
  Object as Shape,
  Optional,
  String as Text,
  type TUnsafe,
  Union,
  Literal,
} from 'typebox';
import {
  CATEGORY_PATTERN,
  DEFAULT_PAGE,
  DEVICE_ID_PATTERN,
  DEVICE_PATTERN_PATTERN,
  INDEX_PATTERN,
  MAX_PAGE,
  TIMESTAMP_PATTERN,
} from './limits.ts';
import { schemaOf } from './schema.ts';

/** In which order devices are listed; a dash turns it round. Devices of the same moment come by their ids, also when it is turned round. */
export type DeviceSort = 'id' | '-id' | 'lastUpdated' | '-lastUpdated';

/**
 * Which devices a list holds. Category, unit and datatype mean the same reading: a device is listed when one of its readings
 * has them all.
 */
export interface DeviceFilter {
  /** Ids in which `*` stands for any text and `?` for one character. */
  readonly pattern?: string | undefined;
  readonly category?: string | undefined;
  readonly unit?: string | undefined;
  /** The name or the id of the datatype. */
  readonly datatype?: string | undefined;
  /** Only devices whose `lastUpdated` is this moment or later. */
  readonly updatedSince?: string | undefined;
}

/** The query of a list. */
export interface ListQuery extends DeviceFilter {
  /** How many devices a page holds; 1 to 1,000, default 100. */
  readonly limit?: number | undefined;
  /** Where the page begins, from the page before. Not together with `offset`. */
  readonly cursor?: string | undefined;
  /** How many devices to leave out. What is added or removed between two pages moves the others; a cursor doesn't have that. */
  readonly offset?: number | undefined;
  /** Default: `id`. */
  readonly sort?: DeviceSort | undefined;
}

/** Which readings of a device. */
export interface ReadingsQuery {
  readonly category?: string | undefined;
  readonly index?: string | undefined;
}

/** Which changes a stream tells; without a device and a pattern, all. */
export interface StreamQuery {
  /** Ids of devices; repeat it for several. */
  readonly device?: string | readonly string[] | undefined;
  readonly pattern?: string | undefined;
  /** After which event to begin, as the header `Last-Event-ID`, which goes before it. */
  readonly since?: string | undefined;
}

const closed = { additionalProperties: false };

export const listQuerySchema: TUnsafe<ListQuery> = schemaOf<ListQuery>()(
  Shape(
    {
      pattern: Optional(Text({ pattern: DEVICE_PATTERN_PATTERN })),
      category: Optional(Text({ pattern: CATEGORY_PATTERN })),
      unit: Optional(Text({ minLength: 1, maxLength: 100 })),
      datatype: Optional(Text({ minLength: 1, maxLength: 500 })),
      updatedSince: Optional(Text({ pattern: TIMESTAMP_PATTERN })),
      limit: Optional(Integer({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE })),
      cursor: Optional(Text({ minLength: 1, maxLength: 1000 })),
      offset: Optional(Integer({ minimum: 0, maximum: 1_000_000_000 })),
      sort: Optional(Union([Literal('id'), Literal('-id'), Literal('lastUpdated'), Literal('-lastUpdated')])),
    },
    closed,
  ),
);

export const readingsQuerySchema: TUnsafe<ReadingsQuery> = schemaOf<ReadingsQuery>()(
  Shape(
    {
      category: Optional(Text({ pattern: CATEGORY_PATTERN })),
      index: Optional(Text({ pattern: INDEX_PATTERN })),
    },
    closed,
  ),
);

const deviceId = Text({ pattern: DEVICE_ID_PATTERN });

export const streamQuerySchema: TUnsafe<StreamQuery> = schemaOf<StreamQuery>()(
  Shape(
    {
      device: Optional(Union([deviceId, List(deviceId, { maxItems: 100 })])),
      pattern: Optional(Text({ pattern: DEVICE_PATTERN_PATTERN })),
      since: Optional(Text({ minLength: 1, maxLength: 200 })),
    },
    closed,
  ),
);
