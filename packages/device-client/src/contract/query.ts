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

const pattern = Text({
  pattern: DEVICE_PATTERN_PATTERN,
  description: 'Ids in which * stands for any text and ? for one character',
  examples: ['station_*'],
});
const category = Text({ pattern: CATEGORY_PATTERN, description: 'The category of a reading', examples: ['P'] });

export const listQuerySchema: TUnsafe<ListQuery> = schemaOf<ListQuery>()(
  Shape(
    {
      pattern: Optional(pattern),
      category: Optional(category),
      unit: Optional(
        Text({ minLength: 1, maxLength: 100, description: 'The unit of a reading', examples: ['Celsius'] }),
      ),
      datatype: Optional(
        Text({
          minLength: 1,
          maxLength: 500,
          description:
            'The name or the id of the datatype of a reading; where several of category, unit and datatype are given, one reading has them all',
          examples: ['Temperature'],
        }),
      ),
      updatedSince: Optional(
        Text({
          pattern: TIMESTAMP_PATTERN,
          description: 'Only devices whose lastUpdated is this moment or later',
          examples: ['2026-01-01T12:00:00Z'],
        }),
      ),
      limit: Optional(
        Integer({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE, description: 'How many devices a page holds' }),
      ),
      cursor: Optional(
        Text({
          minLength: 1,
          maxLength: 1000,
          description:
            'Where the page begins: nextCursor of the page before, in the same order. Not together with offset',
        }),
      ),
      offset: Optional(
        Integer({
          minimum: 0,
          maximum: 1_000_000_000,
          description: 'How many devices to leave out; what comes or goes between two pages moves the others',
        }),
      ),
      sort: Optional(
        Union([Literal('id'), Literal('-id'), Literal('lastUpdated'), Literal('-lastUpdated')], {
          description: 'The order, id by default; a dash turns it round',
        }),
      ),
    },
    closed,
  ),
);

export const readingsQuerySchema: TUnsafe<ReadingsQuery> = schemaOf<ReadingsQuery>()(
  Shape(
    {
      category: Optional(category),
      index: Optional(Text({ pattern: INDEX_PATTERN, description: 'What is measured', examples: ['T'] })),
    },
    closed,
  ),
);

const deviceId = Text({ pattern: DEVICE_ID_PATTERN, examples: ['station_123'] });

export const streamQuerySchema: TUnsafe<StreamQuery> = schemaOf<StreamQuery>()(
  Shape(
    {
      device: Optional(
        Union([deviceId, List(deviceId, { maxItems: 100 })], { description: 'Ids of devices; repeat it for several' }),
      ),
      pattern: Optional(pattern),
      since: Optional(
        Text({
          minLength: 1,
          maxLength: 200,
          description: 'After which event to begin; the header Last-Event-ID goes before it',
        }),
      ),
    },
    closed,
  ),
);
