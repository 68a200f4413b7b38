import { Array as List, Integer, Object as Shape, String as Text, type TUnsafe, Union } from 'typebox';
import { MAX_BATCH } from './limits.ts';
import { type ReadingMessage, readingMessageSchema } from './reading.ts';
import { schemaOf } from './schema.ts';

/** The body of `POST /v1/readings`: one reading, or up to 1,000. */
export type IngestRequest = ReadingMessage | readonly ReadingMessage[];

/** A reading that was not taken. */
export interface RejectedReading {
  /** Its place in the request, from 0. */
  readonly position: number;
  readonly reason: string;
  readonly [field: string]: unknown;
}

/** What became of the readings of a request; the three numbers add up to how many there were. */
export interface IngestResult {
  /** How many were newer than what was there. */
  readonly stored: number;
  /** How many were not: sent again, or late. What is there stays. */
  readonly outdated: number;
  /** Those that are no readings; they are in the dead letters as well. */
  readonly rejected: readonly RejectedReading[];
  readonly [field: string]: unknown;
}

/** The header by which a request that is sent again is recognised: 1 to 200 visible characters. */
export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';

/**
 * For the documentation of the API. Whoever takes a request checks its readings one by one, so that a bad one does not turn
 * the others away.
 */
export const ingestRequestSchema: TUnsafe<IngestRequest> = schemaOf<IngestRequest>()(
  Union([readingMessageSchema, List(readingMessageSchema, { minItems: 1, maxItems: MAX_BATCH })]),
);

export const ingestResultSchema: TUnsafe<IngestResult> = schemaOf<IngestResult>()(
  Shape(
    {
      stored: Integer({ minimum: 0 }),
      outdated: Integer({ minimum: 0 }),
      rejected: List(Shape({ position: Integer({ minimum: 0 }), reason: Text() }, { additionalProperties: true })),
    },
    { additionalProperties: true },
  ),
);
