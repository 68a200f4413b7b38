import type { RedisKeys } from '@breakwater/device-client/contract';

/** What stands before and after a category in the keys of a device's readings. */
export type AroundCategory = (id: string) => readonly [before: string, after: string];

/** Two characters that are in no key. */
const ID = '\n';
const CATEGORY = '\t';

export function aroundCategory(keys: RedisKeys): AroundCategory {
  const [start, rest] = keys.readings(ID, CATEGORY).split(ID) as [string, string];
  const [between, after] = rest.split(CATEGORY) as [string, string];
  return (id) => [start + id + between, after];
}
