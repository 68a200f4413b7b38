import type { Device, DeviceSummary, JsonObject, Reading, RedisKeys } from '@breakwater/device-client/contract';
import { type DeviceFacts, deviceJson, deviceView, type KeptReading, summaryView } from '../device-view.ts';
import { type RedisConnection, texts } from './connection.ts';
import { readScript } from './scripts.ts';

/** Reads devices, each as it was at one moment. */
export class DeviceReader {
  private readonly connection: RedisConnection;
  private readonly keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.connection = connection;
    this.keys = keys;
  }

  async device(id: string): Promise<Device | undefined> {
    const found = await this.read(id, true);
    if (found === undefined) return undefined;
    const readings = keptReadings(found.rest).map(({ json }) => JSON.parse(json) as Reading);
    return deviceView(factsOf(found), readings);
  }

  async json(id: string): Promise<string | undefined> {
    const found = await this.read(id, true);
    if (found === undefined) return undefined;
    return deviceJson(id, found.lastUpdatedMs, found.metadata, keptReadings(found.rest));
  }

  async summary(id: string): Promise<DeviceSummary | undefined> {
    const found = await this.read(id, false);
    if (found === undefined) return undefined;
    const { rest } = found;
    const categories = rest.filter((_, index) => index % 2 === 0);
    const counts = rest.filter((_, index) => index % 2 === 1).map(Number);
    return summaryView(
      factsOf(found),
      categories,
      counts.reduce((sum, count) => sum + count, 0),
    );
  }

  /** What stands before and after a category in the keys of a device's readings. */
  aroundCategory(id: string): readonly [string, string] {
    const [before, after] = this.keys.readings(id, '|').split('|') as [string, string];
    return [before, after];
  }

  private async read(id: string, withReadings: boolean): Promise<Found | undefined> {
    const keys = [this.keys.metadata(id), this.keys.categories(id)];
    const reply = await this.connection.script(readScript, keys, [
      ...this.aroundCategory(id),
      withReadings ? '1' : '0',
    ]);
    if (reply === null) return undefined;
    const [metadata, lastUpdated, ...rest] = texts(reply) as [string, string, ...string[]];
    return { id, lastUpdatedMs: Date.parse(lastUpdated), metadata, rest };
  }
}

interface Found {
  readonly id: string;
  readonly lastUpdatedMs: number;
  readonly metadata: string;
  readonly rest: readonly string[];
}

function factsOf({ id, lastUpdatedMs, metadata }: Found): DeviceFacts {
  return { id, lastUpdatedMs, metadata: JSON.parse(metadata) as JsonObject };
}

function keptReadings(rest: readonly string[]): KeptReading[] {
  const kept: KeptReading[] = [];
  for (let i = 0; i + 2 < rest.length; i += 3)
    kept.push({ category: rest[i]!, index: rest[i + 1]!, json: rest[i + 2]! });
  return kept;
}
