/**
 * The devices of the registry in the order of a list, some at a time. A place in the order is what a cursor remembers, so that
 * the next page begins behind it whatever has come or gone meanwhile.
 */
import type { RedisPort } from 'breakwater/cache';
import type { DeviceSort } from '../contract/query.ts';
import type { RedisKeys } from '../contract/redis-keys.ts';
import { InvalidRequest } from '../errors/errors.ts';
import { listOf, scoredOf, textOf } from './reply.ts';

/** Where a device stands: its id, and its score where the order has one. */
export interface Place {
  readonly id: string;
  readonly score: number;
}

/** Which devices, in which order, and how many ids are asked for at a time. */
export interface OrderedDevices {
  readonly port: RedisPort;
  readonly keys: RedisKeys;
  readonly sort: DeviceSort;
  readonly step: number;
}

/** The devices behind a place, or all, in batches. */
export async function* devicesInOrder(
  order: OrderedDevices,
  after: Place | undefined,
): AsyncGenerator<readonly Place[], void, undefined> {
  yield* order.sort === 'id' || order.sort === '-id' ? byId(order, after) : byTime(order, after);
}

interface Range {
  readonly command: string;
  readonly start: string;
  readonly end: string;
}

const ID_RANGES: Readonly<Record<'up' | 'down', Range>> = Object.freeze({
  up: { command: 'ZRANGEBYLEX', start: '-', end: '+' },
  down: { command: 'ZREVRANGEBYLEX', start: '+', end: '-' },
});

const TIME_RANGES: Readonly<Record<'up' | 'down', Range>> = Object.freeze({
  up: { command: 'ZRANGEBYSCORE', start: '-inf', end: '+inf' },
  down: { command: 'ZREVRANGEBYSCORE', start: '+inf', end: '-inf' },
});

async function* byId(
  { port, keys: { ids }, sort, step }: OrderedDevices,
  after: Place | undefined,
): AsyncGenerator<readonly Place[], void, undefined> {
  const { command, start, end } = ID_RANGES[sort === '-id' ? 'down' : 'up'];
  let last = after?.id;
  for (;;) {
    const range = [command, ids, last === undefined ? start : `(${last}`, end];
    const found = listOf(await port.send([...range, 'LIMIT', '0', String(step)], { key: ids })).map(textOf);
    if (found.length > 0) yield found.map((id) => ({ id, score: 0 }));
    if (found.length < step) return;
    last = found.at(-1);
  }
}

async function* byTime(
  { port, keys: { updated }, sort, step }: OrderedDevices,
  after: Place | undefined,
): AsyncGenerator<readonly Place[], void, undefined> {
  const isDescending = sort === '-lastUpdated';
  const { command, start, end } = TIME_RANGES[isDescending ? 'down' : 'up'];
  const isBehind = ({ id, score }: Place): boolean =>
    after === undefined || score !== after.score || (isDescending ? id < after.id : id > after.id);
  let from = after === undefined ? start : String(after.score);
  let offset = 0;
  for (;;) {
    const limit = ['WITHSCORES', 'LIMIT', String(offset), String(step)];
    const reply = await port.send([command, updated, from, end, ...limit], { key: updated });
    const found = scoredOf(reply).map(({ member, score }) => ({ id: member, score }));
    const behind = found.filter(isBehind);
    if (behind.length > 0) yield behind;
    if (found.length < step) return;
    // The next batch begins at the last moment of this one, without those of that moment that it has seen.
    const { score } = found.at(-1)!;
    const seen = found.filter((place) => place.score === score).length;
    offset = String(score) === from ? offset + step : seen;
    from = String(score);
  }
}

/** A cursor for what stands behind a place of this order. */
export const cursorOf = (sort: DeviceSort, { id, score }: Place): string => `${sort}~${score}~${id}`;

/**
 * The place that a cursor remembers.
 *
 * @throws InvalidRequest when it is none of this order.
 */
export function placeOf(sort: DeviceSort, cursor: string): Place {
  const match = /^(-?(?:id|lastUpdated))~(\d{1,16})~(.+)$/.exec(cursor);
  if (match === null || match[1] !== sort) {
    const fault = { path: 'query.cursor', message: `must be one of a list in the order ${sort}` };
    throw new InvalidRequest(`the cursor is none of a list in the order ${sort}`, [fault]);
  }
  return { id: match[3]!, score: Number(match[2]) };
}
