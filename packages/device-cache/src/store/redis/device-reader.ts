import type { Device, DeviceSummary, JsonObject, Reading, RedisKeys } from '@breakwater/device-client/contract';
import {
  type DeviceFacts,
  deviceJson,
  deviceView,
  isShownMoment,
  type KeptReading,
  summaryView,
} from '../device-view.ts';
import type { RedisConnection } from './connection.ts';
import { type FoundTexts, ReadGathering } from './read-gathering.ts';
import type { AroundCategory } from './reading-keys.ts';

/** Reads devices, each as it was at one moment. Rejects with a StoreUnavailableError where the store is away. */
export class DeviceReader {
  private readonly jsons: ReadGathering<string>;
  private readonly devices: ReadGathering<Device>;
  private readonly summaries: ReadGathering<DeviceSummary>;

  constructor(connection: RedisConnection, keys: RedisKeys, aroundCategory: AroundCategory) {
    const parts = { connection, keys, aroundCategory };
    this.jsons = new ReadGathering({ ...parts, withReadings: true, view: jsonOf });
    this.devices = new ReadGathering({ ...parts, withReadings: true, view: deviceOf });
    this.summaries = new ReadGathering({ ...parts, withReadings: false, view: summaryOf });
  }

  json(id: string): Promise<string | undefined> {
    return this.jsons.read(id);
  }

  device(id: string): Promise<Device | undefined> {
    return this.devices.read(id);
  }

  summary(id: string): Promise<DeviceSummary | undefined> {
    return this.summaries.read(id);
  }
}

function jsonOf(id: string, found: FoundTexts): string {
  return deviceJson(id, momentText(found[1]), found[0], keptReadings(found));
}

function deviceOf(id: string, found: FoundTexts): Device {
  const readings = keptReadings(found).map(({ json }) => JSON.parse(json) as Reading);
  return deviceView(factsOf(id, found), readings);
}

function summaryOf(id: string, found: FoundTexts): DeviceSummary {
  const rest = found.slice(2);
  const categories = rest.filter((_, at) => at % 2 === 0);
  const counts = rest.filter((_, at) => at % 2 === 1).map(Number);
  return summaryView(
    factsOf(id, found),
    categories,
    counts.reduce((sum, count) => sum + count, 0),
  );
}

function factsOf(id: string, [metadata, lastUpdated]: FoundTexts): DeviceFacts {
  return { id, lastUpdatedMs: Date.parse(lastUpdated), metadata: JSON.parse(metadata) as JsonObject };
}

function keptReadings(found: FoundTexts): KeptReading[] {
  const kept: KeptReading[] = [];
  for (let at = 2; at + 2 < found.length; at += 3)
    kept.push({ category: found[at]!, index: found[at + 1]!, json: found[at + 2]! });
  return kept;
}

/** A moment as the contract shows it; others than this service may have written it in another form of ISO 8601. */
const momentText = (text: string): string => (isShownMoment(text) ? text : new Date(text).toISOString());
