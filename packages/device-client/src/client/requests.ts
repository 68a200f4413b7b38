/** What a caller asks is checked before it is sent: both transports refuse the same, in the same words. */
import type { TSchema } from 'typebox';
import { Array as List } from 'typebox';
import { deviceIdSchema, deviceInputSchema } from '../contract/device.ts';
import { MAX_BATCH } from '../contract/limits.ts';
import type { ProblemFault } from '../contract/problem.ts';
import { listQuerySchema, readingsQuerySchema, streamQuerySchema } from '../contract/query.ts';
import { timestampMs } from '../contract/timestamp.ts';
import { InvalidRequest } from '../errors/errors.ts';
import { faultsOf } from '../transport/conforming.ts';
import { jsonFault } from './json-fault.ts';

const idsSchema = List(deviceIdSchema);

export const checkId = (id: unknown): void => refuse(faultsOf(deviceIdSchema, id, 'id'));
export const checkIds = (ids: unknown): void => refuse(faultsOf(idsSchema, ids, 'ids'));
export const checkReadingsQuery = (query: object): void => check(readingsQuerySchema, query);
export const checkStreamQuery = (query: object): void => check(streamQuerySchema, query);

/** A list's query; its cursor and its offset exclude each other. */
export function checkListQuery(query: object & { readonly updatedSince?: string | undefined }): void {
  const defined = definedOf(query);
  const faults = [...faultsOf(listQuerySchema, defined, 'query')];
  if ('cursor' in defined && 'offset' in defined) {
    faults.push({ path: 'query.offset', message: 'must not stand beside a cursor' });
  }
  const { updatedSince } = query;
  if (typeof updatedSince === 'string' && timestampMs(updatedSince) === undefined) {
    faults.push({ path: 'query.updatedSince', message: 'must be a moment that there is' });
  }
  refuse(faults);
}

/** Devices to put. */
export function checkEntries(entries: readonly { readonly id: unknown; readonly metadata: unknown }[]): void {
  refuse(
    entries.flatMap(({ id, metadata }, index) => [
      ...faultsOf(deviceIdSchema, id, `devices.${index}.id`),
      ...metadataFaults(metadata, `devices.${index}`),
    ]),
  );
}

function metadataFaults(metadata: unknown, path: string): readonly ProblemFault[] {
  const faults = faultsOf(deviceInputSchema, { metadata }, path);
  if (faults.length > 0) return faults;
  const fault = jsonFault(metadata, `${path}.metadata`);
  return fault === undefined ? [] : [fault];
}

/** Batches of at most a thousand, in their order. */
export function inBatches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const batches: T[][] = [];
  for (let from = 0; from < items.length; from += MAX_BATCH) batches.push(items.slice(from, from + MAX_BATCH));
  return batches;
}

const check = (schema: TSchema, query: object): void => refuse(faultsOf(schema, definedOf(query), 'query'));

/** What is undefined counts as not given. */
const definedOf = (query: object): object =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));

function refuse(faults: readonly ProblemFault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  throw new InvalidRequest(`${first.path} ${first.message}`, faults);
}
