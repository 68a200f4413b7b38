/** Lists from the registry's sorted sets: ids in order, a chunk at a time, and the devices of those that may be meant. */
import {
  type DeviceFilter,
  type DeviceSummary,
  matchesPattern,
  needsReadings,
  passesFilter,
  type RedisKeys,
} from '@breakwater/device-client/contract';
import type { ListPlace, ListRequest, ListResult } from '../store.ts';
import { type RedisConnection, texts } from './connection.ts';
import type { DeviceReader } from './device-reader.ts';

export class ListWalk {
  private readonly connection: RedisConnection;
  private readonly keys: RedisKeys;
  private readonly reader: DeviceReader;

  constructor(connection: RedisConnection, keys: RedisKeys, reader: DeviceReader) {
    this.connection = connection;
    this.keys = keys;
    this.reader = reader;
  }

  async list(request: ListRequest): Promise<ListResult> {
    const { limit, offset = 0 } = request;
    const found: DeviceSummary[] = [];
    let toSkip = offset;
    for await (const chunk of this.chunks(request)) {
      for (const device of await this.loaded(chunk, request)) {
        if (toSkip > 0) toSkip--;
        else found.push(device);
      }
      if (found.length > limit) break;
    }
    const devices = found.slice(0, limit);
    const last = devices.at(-1);
    return found.length <= limit || last === undefined ? { devices } : { devices, next: placeOf(last) };
  }

  /** Ids in the order of the list, after its place. */
  private async *chunks(request: ListRequest): AsyncGenerator<readonly string[]> {
    const size = Math.min(1_000, Math.max(request.limit + 1, 100));
    let after: ListPlace | undefined = request.after;
    for (;;) {
      const [ids, next] = await (request.sort.endsWith('id')
        ? this.byId(request, after, size)
        : this.byUpdate(request, after, size));
      if (ids.length > 0) yield ids;
      if (next === undefined) return;
      after = next;
    }
  }

  private async byId(
    { sort }: ListRequest,
    after: ListPlace | undefined,
    size: number,
  ): Promise<[readonly string[], ListPlace | undefined]> {
    const isReverse = sort === '-id';
    const bounds = [after === undefined ? (isReverse ? '+' : '-') : `(${after.id}`, isReverse ? '-' : '+'];
    const command = isReverse ? 'ZREVRANGEBYLEX' : 'ZRANGEBYLEX';
    const ids = texts(
      await this.connection.send([command, this.keys.ids, ...bounds, 'LIMIT', '0', String(size)], this.keys.ids),
    );
    return [ids, ids.length < size ? undefined : { id: ids.at(-1)!, updatedMs: 0 }];
  }

  /** By moments, and within one moment by ids whatever the direction: so a moment is always taken whole. */
  private async byUpdate(
    { sort, updatedSinceMs }: ListRequest,
    after: ListPlace | undefined,
    size: number,
  ): Promise<[readonly string[], ListPlace | undefined]> {
    const isReverse = sort === '-lastUpdated';
    const least = String(updatedSinceMs ?? '-inf');
    const from = String(after?.updatedMs ?? (isReverse ? '+inf' : least));
    const bounds = isReverse ? [from, least] : [from, '+inf'];
    const key = this.keys.updated;
    const command = isReverse ? 'ZREVRANGEBYSCORE' : 'ZRANGEBYSCORE';
    const flat = texts(
      await this.connection.send([command, key, ...bounds, 'WITHSCORES', 'LIMIT', '0', String(size)], key),
    );
    const pairs = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, Number(flat[2 * i + 1])] as const);
    const last = pairs.at(-1)?.[1];
    if (last === undefined) return [[], undefined];
    const whole = texts(await this.connection.send(['ZRANGEBYSCORE', key, String(last), String(last)], key));
    const ids = [
      ...orderedWithin(pairs.filter(([, score]) => score !== last)),
      ...whole.map((id) => [id, last] as const),
    ].filter(([id, score]) => after === undefined || score !== after.updatedMs || id > after.id);
    const end = ids.at(-1) ?? [after?.id ?? '', last];
    const next = pairs.length < size ? undefined : { id: `${end[0]}\uffff`, updatedMs: last };
    return [ids.map(([id]) => id), next];
  }

  private async loaded(ids: readonly string[], request: ListRequest): Promise<readonly DeviceSummary[]> {
    const filter = filterOf(request);
    const { pattern } = request;
    const candidates = pattern === undefined ? ids : ids.filter((id) => matchesPattern(pattern, id));
    const devices = await Promise.all(
      candidates.map((id) => (needsReadings(filter) ? this.reader.device(id) : this.reader.summary(id))),
    );
    return devices.flatMap((device) => {
      if (device === undefined || !passesFilter(device, filter)) return [];
      const { id, lastUpdated, metadata, categories, readingCount } = device;
      return [{ id, lastUpdated, metadata, categories, readingCount }];
    });
  }
}

/** Pairs are in the order of their moments; those of one moment are brought into that of their ids. */
function orderedWithin(pairs: readonly (readonly [string, number])[]): readonly (readonly [string, number])[] {
  const groups = new Map<number, string[]>();
  for (const [id, score] of pairs) groups.set(score, [...(groups.get(score) ?? []), id]);
  return [...groups].flatMap(([score, ids]) => ids.toSorted().map((id) => [id, score] as const));
}

function placeOf({ id, lastUpdated }: DeviceSummary): ListPlace {
  return { id, updatedMs: Date.parse(lastUpdated) };
}

function filterOf({ category, unit, datatype, updatedSinceMs }: ListRequest): DeviceFilter {
  const updatedSince = updatedSinceMs === undefined ? undefined : new Date(updatedSinceMs).toISOString();
  return { category, unit, datatype, updatedSince };
}
