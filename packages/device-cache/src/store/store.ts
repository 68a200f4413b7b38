/** Where the latest readings and the metadata of devices are kept: what every store does, whatever it is made of. */
import type { ChangeData, Device, DeviceEntry, DeviceSort, DeviceSummary } from '@breakwater/device-client/contract';
import type { MeasuredPipeline } from 'breakwater/telemetry';
import type { FencedReading } from '../message/fence.ts';

/** Whether a reading was newer than what was there. */
export type WriteOutcome = 'stored' | 'outdated';

/** Which devices a list wants; as the contract's query, checked and with numbers for moments. */
export interface ListRequest {
  readonly limit: number;
  readonly sort: DeviceSort;
  /** The place after which the page begins. */
  readonly after?: ListPlace | undefined;
  readonly offset?: number | undefined;
  readonly pattern?: string | undefined;
  readonly category?: string | undefined;
  readonly unit?: string | undefined;
  readonly datatype?: string | undefined;
  readonly updatedSinceMs?: number | undefined;
}

/** Where a page has ended: what its last device is sorted by. */
export interface ListPlace {
  readonly id: string;
  /** Its `lastUpdated`, for lists that are sorted by it. */
  readonly updatedMs: number;
}

/** A page of a list; `next` where there may be more. */
export interface ListResult {
  readonly devices: readonly DeviceSummary[];
  readonly next?: ListPlace | undefined;
}

/** What a store holds. */
export interface StoreInfo {
  readonly devices: number;
  /** Null where the store does not know. */
  readonly memoryBytes: number | null;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

/** A change as the log has it; positions grow, and mean something to the store that gave them only. */
export interface LoggedChange {
  readonly position: string;
  readonly data: ChangeData;
}

/** What the log has after a position. */
export type ChangesSince =
  | { readonly changes: readonly LoggedChange[]; readonly position: string }
  /** The position is unknown, or the log does not reach back to it; `position` is where it stands now. */
  | { readonly lost: 'log-exceeded' | 'unknown-position'; readonly position: string };

/** By partition, the offset of the first message that has not been written. */
export type Progress = ReadonlyMap<number, number>;

/** How far a partition has come: from what was noted before, undefined where nothing was, to what is to be noted. */
export interface ProgressStep {
  readonly partition: number;
  readonly from: number | undefined;
  readonly to: number;
}

/** Told of each change once, in the order of the log, and when some may have been missed. */
export interface ChangeListener {
  changed(change: LoggedChange): void;
  /** The store was away: what was known may be old. */
  gap(): void;
  /** For a listener who mostly has no use for more than the ids; then a store need not read more. */
  readonly ids?: IdListener;
}

/** Told of the devices that have changed, instead of each change, while that is enough. */
export interface IdListener {
  /** Asked again each time. */
  areEnough(): boolean;
  /** Devices that have changed since it was told last, each once. */
  changed(ids: readonly string[]): void;
}

/**
 * A store. Each of its writes happens whole or not at all, and has happened when its promise resolves; where the store is
 * away, promises reject with a {@link StoreUnavailableError}, and nothing is said about devices.
 */
export interface DeviceStore {
  /** `sqlite`, `redis`. */
  readonly kind: string;
  /** What its commands go through, for who measures; undefined where they go nowhere. */
  readonly pipeline?: MeasuredPipeline | undefined;
  /** Writes each reading that is newer than what is there, in order; the outcomes come in the same order. */
  write(readings: readonly FencedReading[]): Promise<readonly WriteOutcome[]>;
  /** Replaces the metadata of devices; readings stay. */
  put(entries: readonly DeviceEntry[]): Promise<readonly DeviceSummary[]>;
  /** Removes a device; readings from before the deletion don't bring it back. False where there was none. */
  delete(id: string): Promise<boolean>;
  /** The devices of these ids, in their order; undefined where there is none. */
  get(ids: readonly string[]): Promise<readonly (Device | undefined)[]>;
  /** The same as JSON, as it is sent. */
  getJson(ids: readonly string[]): Promise<readonly (string | undefined)[]>;
  list(request: ListRequest): Promise<ListResult>;
  info(): Promise<StoreInfo>;
  /** What the log has after `position`; of undefined: only where it stands. */
  changesSince(position: string | undefined, most: number): Promise<ChangesSince>;
  /** Begins to tell of changes, whoever made them; resolves to what ends that. */
  listen(listener: ChangeListener): Promise<() => Promise<void>>;
  /** How far each partition of a source has been written, as {@link DeviceStore.advance} has noted. */
  progress(source: string): Promise<Progress>;
  /**
   * Notes how far partitions have been written, if what was noted before is still there for all of them: otherwise the store
   * has lost what it had, or somebody else writes these partitions now. Resolves to whether it was noted.
   */
  advance(source: string, steps: readonly ProgressStep[]): Promise<boolean>;
  /** Forgets devices that have expired; resolves to how many. */
  sweep(): Promise<number>;
  /** Changes the TTL of what is written from now on. */
  setTtl(ttlMs: number): void;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
