import { problemSchema } from '@breakwater/device-client/contract';
import { Null, type TSchema } from 'typebox';

/** The answers of a route for the documentation: its own, and the problems that it may have. */
export function responses(
  own: Readonly<Record<number, TSchema>>,
  ...problems: readonly number[]
): Record<number, object> {
  const all: Record<number, object> = {};
  for (const [status, schema] of Object.entries(own))
    all[Number(status)] = json(schema, descriptions[status] ?? 'Done');
  for (const status of [400, 401, 403, 429, 500, 503, ...problems]) all[status] ??= problem(status);
  return all;
}

/** An answer without a body. */
export const nothing = (description: string): TSchema => ({ ...Null(), description });

const descriptions: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Made',
  204: 'Done; there is nothing to say',
  304: 'What the asker has is still so',
  400: 'The request is not valid',
  401: 'A token is missing, or not known here',
  403: 'The token does not allow this',
  404: 'There is no such thing',
  405: 'The method is not known here',
  409: 'The idempotency key was used for another request',
  413: 'The body is too large',
  415: 'The body is of a type that is not read here',
  429: 'Too many requests; Retry-After says when',
  500: 'Something unexpected',
  503: 'Not available at the moment',
};

const json = (schema: TSchema, description: string): object => ({ description, ...schema });

const problem = (status: number): object => ({
  description: descriptions[status],
  content: { 'application/problem+json': { schema: problemSchema } },
});
