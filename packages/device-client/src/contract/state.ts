import {
  Array as List,
  Integer,
  Literal,
  Null,
  Number as Numeric,
  Object as Shape,
  Record as Dictionary,
  String as Text,
  type TUnsafe,
  Union,
} from 'typebox';
import { schemaOf } from './schema.ts';

/** What the cache holds. */
export interface CacheInfo {
  /** Where it keeps it: `redis`, `sqlite`. */
  readonly store: string;
  readonly devices: number;
  /** What the store takes, as it says itself; null where it doesn't know. */
  readonly memoryBytes: number | null;
  /** The `lastUpdated` of the device that has not been heard of for longest; null when there is none. */
  readonly oldestEntry: string | null;
  /** The `lastUpdated` of the device that was heard of last. */
  readonly newestEntry: string | null;
  /** Hits by hits and misses, from 0 to 1, by the tier that was asked: `near`, `store`. Null where none was asked yet. */
  readonly hitRatios: { readonly [tier: string]: number | null };
  readonly [field: string]: unknown;
}

/** How well something is. `degraded` answers, with less than everything. */
export type HealthLevel = 'healthy' | 'degraded' | 'unhealthy';

/** Why it is not healthy. */
export interface HealthCause {
  /** What it is about: `store`, `kafka`, `transport`. */
  readonly component: string;
  readonly status: HealthLevel;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** How well the service is, as it says itself, or as its client finds when it doesn't answer. */
export interface HealthStatus {
  readonly status: HealthLevel;
  /** Empty when it is healthy. */
  readonly causes: readonly HealthCause[];
  /** ISO 8601, UTC. */
  readonly checkedAt: string;
  readonly [field: string]: unknown;
}

const open = { additionalProperties: true };
const level = Union([Literal('healthy'), Literal('degraded'), Literal('unhealthy')]);
const timestampOrNull = Union([Text(), Null()]);

export const cacheInfoSchema: TUnsafe<CacheInfo> = schemaOf<CacheInfo>()(
  Shape(
    {
      store: Text(),
      devices: Integer({ minimum: 0 }),
      memoryBytes: Union([Integer({ minimum: 0 }), Null()]),
      oldestEntry: timestampOrNull,
      newestEntry: timestampOrNull,
      hitRatios: Dictionary(Text(), Union([Numeric({ minimum: 0, maximum: 1 }), Null()])),
    },
    open,
  ),
);

export const healthStatusSchema: TUnsafe<HealthStatus> = schemaOf<HealthStatus>()(
  Shape(
    {
      status: level,
      causes: List(Shape({ component: Text(), status: level, message: Text() }, open)),
      checkedAt: Text(),
    },
    open,
  ),
);
