import type { BatchResult, Device, DeviceEntry, DeviceInput, DevicePage, DeviceSummary } from '../contract/device.ts';
import type { ListQuery, ReadingsQuery, StreamQuery } from '../contract/query.ts';
import type { Reading } from '../contract/reading.ts';
import type { CacheInfo, HealthStatus } from '../contract/state.ts';
import type { ChangeData, ResyncData } from '../contract/stream.ts';

/** Something that a stream of changes says, with its position in the log. */
export type StreamEvent =
  | { readonly type: 'ready'; readonly position: string }
  | { readonly type: 'change'; readonly position: string; readonly change: ChangeData }
  | { readonly type: 'resync'; readonly position: string; readonly resync: ResyncData };

/**
 * A way to the device cache. It does one attempt of one thing and gives it checked, or fails with an error of the client's,
 * or with the platform's; retries, deadlines and the like are not its business.
 */
export interface DeviceTransport {
  readonly kind: 'http' | 'redis';
  getDevice(id: string, signal: AbortSignal): Promise<Device | undefined>;
  getDevices(ids: readonly string[], signal: AbortSignal): Promise<BatchResult>;
  listPage(query: ListQuery, signal: AbortSignal): Promise<DevicePage>;
  getReadings(id: string, query: ReadingsQuery, signal: AbortSignal): Promise<readonly Reading[] | undefined>;
  putDevice(id: string, input: DeviceInput, signal: AbortSignal): Promise<Device>;
  putDevices(entries: readonly DeviceEntry[], signal: AbortSignal): Promise<readonly DeviceSummary[]>;
  /** False when there was none. */
  deleteDevice(id: string, signal: AbortSignal): Promise<boolean>;
  cacheInfo(signal: AbortSignal): Promise<CacheInfo>;
  health(signal: AbortSignal): Promise<HealthStatus>;
  /** The changes after a position, or from now on; ends or fails when the connection does. */
  changes(query: StreamQuery, signal: AbortSignal): AsyncIterable<StreamEvent>;
  /** Lets go of what the transport has made itself. */
  close(): Promise<void>;
}
