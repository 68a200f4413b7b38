import { Array as List, Literal, Object as Shape, String as Text, type TUnsafe, Union } from 'typebox';
import { schemaOf } from './schema.ts';

/** What happened to a device. */
export type ChangeCause = 'readings' | 'metadata' | 'deleted' | 'expired';

/** The data of the event `change`: what is kept of a device is no longer what it was. */
export interface ChangeData {
  readonly deviceId: string;
  readonly cause: ChangeCause;
  /** The categories whose readings changed; empty for other causes. */
  readonly categories: readonly string[];
  /** When the change was made, by the clock of who made it; ISO 8601, UTC. */
  readonly at: string;
  readonly [field: string]: unknown;
}

/** Why changes may have been missed: the log no longer reaches back that far, does not know the position, or the reader was too slow. */
export type ResyncReason = 'log-exceeded' | 'unknown-position' | 'reader-too-slow';

/** The data of the event `resync`: what the reader knows may be old, and changes follow from here. */
export interface ResyncData {
  readonly reason: ResyncReason;
  readonly [field: string]: unknown;
}

/**
 * The events of `GET /v1/stream`. Each has an id, the position in the log to resume from; `ready` comes first on a
 * connection that does not resume, so that one that breaks before the first change can be resumed too. Between them a
 * comment comes every 15 s.
 */
export const streamEvents: { readonly ready: 'ready'; readonly change: 'change'; readonly resync: 'resync' } =
  Object.freeze({ ready: 'ready', change: 'change', resync: 'resync' });

const open = { additionalProperties: true };

export const changeDataSchema: TUnsafe<ChangeData> = schemaOf<ChangeData>()(
  Shape(
    {
      deviceId: Text({ minLength: 1 }),
      cause: Union([Literal('readings'), Literal('metadata'), Literal('deleted'), Literal('expired')]),
      categories: List(Text()),
      at: Text(),
    },
    open,
  ),
);

export const resyncDataSchema: TUnsafe<ResyncData> = schemaOf<ResyncData>()(
  Shape({ reason: Union([Literal('log-exceeded'), Literal('unknown-position'), Literal('reader-too-slow')]) }, open),
);
