import {
  Array as List,
  Integer,
  Number as Numeric,
  Object as Shape,
  Optional,
  Record as Dictionary,
  String as Text,
  type TUnsafe,
  Unknown,
} from 'typebox';
import { schemaOf } from './schema.ts';

/** One thing that is wrong with a request. */
export interface ProblemFault {
  /** Where: `body.ids.3`, `query.limit`, `headers.authorization`. */
  readonly path: string;
  readonly message: string;
}

/** An error by RFC 9457 as the service tells it: what `problemDetails` of `breakwater/errors` makes, and two fields more. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance?: string | undefined;
  /** A stable name in capitals, for programs. */
  readonly code: string;
  readonly category: string;
  readonly details: { readonly [name: string]: unknown };
  readonly timestamp: string;
  /** Seconds. */
  readonly retry_after?: number | undefined;
  /** The request's id, as in its header `x-request-id`. */
  readonly request_id?: string | undefined;
  readonly faults?: readonly ProblemFault[] | undefined;
  readonly [field: string]: unknown;
}

/** The codes of the service's problems and the statuses that they are sent with. Other codes are those of the library. */
export const problemCodes: Readonly<
  Record<
    | 'INVALID_REQUEST'
    | 'UNAUTHENTICATED'
    | 'FORBIDDEN'
    | 'DEVICE_NOT_FOUND'
    | 'NOT_FOUND'
    | 'METHOD_NOT_ALLOWED'
    | 'IDEMPOTENCY_CONFLICT'
    | 'BODY_TOO_LARGE'
    | 'UNSUPPORTED_MEDIA_TYPE'
    | 'RATE_LIMITED'
    | 'STORE_UNAVAILABLE'
    | 'SHUTTING_DOWN'
    | 'INTERNAL',
    number
  >
> = Object.freeze({
  INVALID_REQUEST: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  DEVICE_NOT_FOUND: 404,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  IDEMPOTENCY_CONFLICT: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  STORE_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
  INTERNAL: 500,
});

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

export const problemSchema: TUnsafe<Problem> = schemaOf<Problem>()(
  Shape(
    {
      type: Text(),
      title: Text(),
      status: Integer({ minimum: 400, maximum: 599 }),
      detail: Text(),
      instance: Optional(Text()),
      code: Text(),
      category: Text(),
      details: Dictionary(Text(), Unknown()),
      timestamp: Text(),
      retry_after: Optional(Numeric({ minimum: 0 })),
      request_id: Optional(Text()),
      faults: Optional(List(Shape({ path: Text(), message: Text() }))),
    },
    { additionalProperties: true },
  ),
);
