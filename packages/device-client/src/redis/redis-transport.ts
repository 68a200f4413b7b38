import type { RedisPort } from 'breakwater/cache';
import type { BatchResult, Device, DeviceEntry, DeviceInput, DevicePage, DeviceSummary } from '../contract/device.ts';
import { matchesPattern, needsReadings, passesFilter } from '../contract/device-filter.ts';
import { DEFAULT_PAGE } from '../contract/limits.ts';
import type { DeviceFilter, ListQuery, ReadingsQuery, StreamQuery } from '../contract/query.ts';
import { categoryOf, type Reading } from '../contract/reading.ts';
import type { CacheInfo, HealthStatus } from '../contract/state.ts';
import type { DeviceTransport, StreamEvent } from '../transport/transport.ts';
import { aroundCategory } from './around-category.ts';
import { cursorOf, devicesInOrder, type Place, placeOf } from './device-order.ts';
import { DeviceWrites } from './device-writes.ts';
import { RedisChanges } from './redis-changes.ts';
import { redisInfo } from './redis-info.ts';
import type { RedisSettings } from './redis-settings.ts';
import { textOf } from './reply.ts';
import { ScriptCaller } from './script-caller.ts';
import { READ_DEVICE } from './scripts.ts';
import { deviceOfReply, summaryOf, summaryOfReply } from './stored-device.ts';

/** How many devices are asked for at a time. */
const MOST_AT_ONCE = 500;

const isFiltered = ({ pattern, category, unit, datatype, updatedSince }: DeviceFilter): boolean =>
  [pattern, category, unit, datatype, updatedSince].some((part) => part !== undefined);

/** The way to the same devices in Redis, without the service. */
export class RedisTransport implements DeviceTransport {
  readonly kind = 'redis';
  private readonly settings: RedisSettings;
  private readonly port: RedisPort;
  private readonly scripts: ScriptCaller;
  private readonly writes: DeviceWrites;
  private readonly log: RedisChanges;

  constructor(settings: RedisSettings) {
    const { connection, keys, clock, pollMs } = settings;
    this.settings = settings;
    this.port = connection.port;
    this.scripts = new ScriptCaller(this.port);
    this.writes = new DeviceWrites(this.scripts, settings);
    this.log = new RedisChanges(this.scripts, keys, clock, pollMs);
  }

  async getDevice(id: string): Promise<Device | undefined> {
    return deviceOfReply(id, await this.read(id, 'values'));
  }

  async getDevices(ids: readonly string[]): Promise<BatchResult> {
    const unique = [...new Set(ids)];
    const found = await Promise.all(unique.map((id) => this.getDevice(id)));
    return {
      devices: found.filter((device) => device !== undefined),
      missing: unique.filter((_, index) => found[index] === undefined),
    };
  }

  async listPage(query: ListQuery, signal: AbortSignal): Promise<DevicePage> {
    const { sort = 'id', limit = DEFAULT_PAGE, offset = 0, cursor } = query;
    const after = cursor === undefined ? undefined : placeOf(sort, cursor);
    const devices: DeviceSummary[] = [];
    let last: Place | undefined;
    let skipped = 0;
    const step = Math.min(MOST_AT_ONCE, isFiltered(query) ? MOST_AT_ONCE : offset + limit + 1);
    for await (const batch of devicesInOrder({ port: this.port, keys: this.settings.keys, sort, step }, after)) {
      for (const [place, device] of await this.matching(batch, query)) {
        signal.throwIfAborted();
        if (skipped < offset) {
          skipped++;
          continue;
        }
        if (devices.length === limit) return { devices, nextCursor: cursorOf(sort, last!) };
        devices.push(device);
        last = place;
      }
    }
    return { devices, nextCursor: null };
  }

  async getReadings(id: string, { category, index }: ReadingsQuery): Promise<readonly Reading[] | undefined> {
    const device = await this.getDevice(id);
    return device?.readings.filter(
      (reading) =>
        (category === undefined || categoryOf(reading) === category) &&
        (index === undefined || reading.index === index),
    );
  }

  async putDevice(id: string, input: DeviceInput): Promise<Device> {
    await this.writes.put(id, input);
    // Nobody else's deletion in between makes this write undone.
    const now = new Date(this.settings.clock.wallTime()).toISOString();
    const written = { id, lastUpdated: now, metadata: input.metadata, categories: [], readingCount: 0, readings: [] };
    return (await this.getDevice(id)) ?? written;
  }

  async putDevices(entries: readonly DeviceEntry[]): Promise<readonly DeviceSummary[]> {
    // Where an id comes twice the later one counts.
    const unique = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
    const put = await Promise.all(unique.map(async (entry) => summaryOf(await this.putDevice(entry.id, entry))));
    const byId = new Map(put.map((device) => [device.id, device]));
    return entries.map(({ id }) => byId.get(id)!);
  }

  deleteDevice(id: string): Promise<boolean> {
    return this.writes.delete(id);
  }

  cacheInfo(): Promise<CacheInfo> {
    return redisInfo(this.port, this.settings.keys, this.settings.clock);
  }

  async health(): Promise<HealthStatus> {
    const reply = textOf(await this.port.send(['PING'], { key: undefined }));
    const checkedAt = new Date(this.settings.clock.wallTime()).toISOString();
    if (reply === 'PONG') return { status: 'healthy', causes: [], checkedAt };
    const cause = { component: 'redis', status: 'unhealthy', message: `PING was answered with ${reply}` } as const;
    return { status: 'unhealthy', causes: [cause], checkedAt };
  }

  changes(query: StreamQuery, signal: AbortSignal): AsyncIterable<StreamEvent> {
    return this.log.follow(query, signal);
  }

  close(): Promise<void> {
    return this.settings.connection.close();
  }

  /** Those of a batch that a filter means, each with its place. What has expired since is left out. */
  private async matching(
    batch: readonly Place[],
    filter: ListQuery,
  ): Promise<readonly (readonly [Place, DeviceSummary])[]> {
    const { pattern } = filter;
    const places = pattern === undefined ? batch : batch.filter(({ id }) => matchesPattern(pattern, id));
    const found = await Promise.all(places.map(async (place) => [place, await this.seen(place.id, filter)] as const));
    return found.filter((entry): entry is readonly [Place, DeviceSummary] => entry[1] !== undefined);
  }

  private async seen(id: string, filter: ListQuery): Promise<DeviceSummary | undefined> {
    if (!needsReadings(filter)) {
      const summary = summaryOfReply(id, await this.read(id, 'count'));
      return summary !== undefined && passesFilter(summary, filter) ? summary : undefined;
    }
    const device = await this.getDevice(id);
    return device !== undefined && passesFilter(device, filter) ? summaryOf(device) : undefined;
  }

  private read(id: string, what: 'count' | 'values'): Promise<unknown> {
    const { keys } = this.settings;
    const { before, after } = aroundCategory(keys, id);
    return this.scripts.call(READ_DEVICE, [keys.metadata(id), keys.categories(id)], [before, after, what]);
  }
}
