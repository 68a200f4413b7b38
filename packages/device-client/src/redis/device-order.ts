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
  const ask = async (
    command: string,
    from: string,
    to: string,
    limit: readonly string[],
  ): Promise<readonly Place[]> => {
    const reply = await port.send([command, updated, from, to, 'WITHSCORES', ...limit], { key: updated });
    return scoredOf(reply).map(({ member, score }) => ({ id: member, score }));
  };
  const isBehind = ({ id, score }: Place): boolean => after === undefined || score !== after.score || id > after.id;
  const [command, end] = sort === '-lastUpdated' ? ['ZREVRANGEBYSCORE', '-inf'] : ['ZRANGEBYSCORE', '+inf'];
  let from = after === undefined ? (end === '-inf' ? '+inf' : '-inf') : String(after.score);
  for (;;) {
    const found = await ask(command, from, end, ['LIMIT', '0', String(step)]);
    const score = found.at(-1)?.score;
    if (score === undefined) return;
    // The batch may end within a moment: that one is asked for as a whole, and in the order of its ids.
    const moment = await ask('ZRANGEBYSCORE', String(score), String(score), []);
    const before = inOrderOfIds(found.filter((place) => place.score !== score));
    const behind = [...before, ...moment].filter(isBehind);
    if (behind.length > 0) yield behind;
    from = `(${score}`;
  }
}

/** Places whose moments are in order already, those of one moment by their ids: turned round, Redis gives them the other way. */
function inOrderOfIds(places: readonly Place[]): readonly Place[] {
  const moments = new Map<number, Place[]>();
  for (const place of places) {
    const moment = moments.get(place.score);
    if (moment === undefined) moments.set(place.score, [place]);
    else moment.push(place);
  }
  return [...moments.values()].flatMap((moment) => moment.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
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
