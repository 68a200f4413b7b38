import type { DeviceSort } from '@breakwater/device-client/contract';
import type { ListPlace } from '../store/store.ts';
import { ApiError } from './problems.ts';

/** A place in a list as a text that means something to this service alone. */
export function writeCursor(sort: DeviceSort, { id, updatedMs }: ListPlace): string {
  return Buffer.from(JSON.stringify([sort, id, updatedMs])).toString('base64url');
}

/** @throws ApiError for what is no cursor, or one of a list in another order. */
export function readCursor(cursor: string, sort: DeviceSort): ListPlace {
  const [of, id, updatedMs] = partsOf(cursor);
  if (of === sort && typeof id === 'string' && id !== '' && Number.isSafeInteger(updatedMs)) {
    return { id, updatedMs: updatedMs as number };
  }
  const message =
    typeof of === 'string' ? `of a list that is sorted otherwise than by ${sort}` : 'no cursor of this service';
  throw new ApiError('INVALID_REQUEST', {
    message: `The cursor is ${message}`,
    faults: [{ path: 'query.cursor', message }],
  });
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
