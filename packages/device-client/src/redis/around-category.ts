import type { RedisKeys } from '../contract/redis-keys.ts';

/** No category holds this character. */
const PLACE = '\u0000';

/** What stands before and after the category in the keys of a device's readings: how a script makes them. */
export function aroundCategory(keys: RedisKeys, id: string): { readonly before: string; readonly after: string } {
  const [before = '', after = ''] = keys.readings(id, PLACE).split(PLACE);
  return { before, after };
}
