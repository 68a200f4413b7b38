import type { CallOptions } from 'breakwater';
import type { Device, DeviceEntry, DeviceInput, DeviceSummary } from '../contract/device.ts';
import type { ListQuery, ReadingsQuery, StreamQuery } from '../contract/query.ts';
import type { Reading } from '../contract/reading.ts';
import type { CacheInfo, HealthStatus } from '../contract/state.ts';
import type { DeviceList } from './device-list.ts';
import type { ClientOptions } from './options.ts';
import type { Environment } from './settings-sources.ts';
import type { ClientTarget, ConnectionStringTarget, HttpTarget, RedisTarget, SuppliedRedisTarget } from './target.ts';
import type { WatchEvent } from './watch.ts';

/** What `await using` needs, where the compiler's library knows it. */
export type AsyncDisposableWhereKnown = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { readonly [Name in Key]: () => Promise<void> }
  : unknown;

/** What a caller may say about one call. */
export type DeviceCallOptions = Pick<CallOptions, 'signal' | 'deadlineMs' | 'priority' | 'parent'>;

/** What a caller may say about a watch. */
export interface WatchOptions {
  /** Ends the watch when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Changes of a client's settings: options, fields of its target, or another target. */
export type ConfigurationChanges = ClientOptions &
  Partial<HttpTarget & SuppliedRedisTarget & RedisTarget & ConnectionStringTarget>;

/**
 * What a client can do. Whatever the transport, the answers are the same, and so are the errors: see `DeviceCacheError`.
 */
export interface DeviceCacheMethods {
  /** The device with its latest readings. Rejects with DeviceNotFound when there is none. */
  getDevice(id: string, options?: DeviceCallOptions): Promise<Device>;
  /**
   * The devices with these ids, however many: asked for in batches of a thousand. Those that there are, by id, in the
   * order of the ids.
   */
  getDevices(ids: readonly string[], options?: DeviceCallOptions): Promise<ReadonlyMap<string, Device>>;
  /**
   * The device as it is in the near cache, at once; undefined where nothing is known of it, or that there is none. What is
   * read like this is kept as if it had been read by {@link getDevice}.
   *
   * @throws ConfigurationError when the client has no near cache.
   */
  peekDevice(id: string): Device | undefined;
  /**
   * The devices that a query means, without their readings: `for await` goes over all pages, `page()` gives the one that
   * `limit` and `cursor` or `offset` say.
   *
   * @throws InvalidRequest when the query can't be meant.
   */
  listDevices(query?: ListQuery, options?: DeviceCallOptions): DeviceList;
  /** The latest readings of a device, all or those of a category or an index. Rejects with DeviceNotFound when there is no such device. */
  getReadings(id: string, query?: ReadingsQuery, options?: DeviceCallOptions): Promise<readonly Reading[]>;
  /** Gives a device its metadata in place of what it had; its readings stay. The device is made where there is none. */
  putDevice(id: string, input: DeviceInput, options?: DeviceCallOptions): Promise<Device>;
  /**
   * The same for many, in batches of a thousand, one after the other: when one fails, those before it have been put.
   * Resolves to the devices in the order of the entries.
   */
  putDevices(entries: readonly DeviceEntry[], options?: DeviceCallOptions): Promise<readonly DeviceSummary[]>;
  /** Removes a device with its readings. False when there was none; also when an attempt whose answer was lost has removed it. */
  deleteDevice(id: string, options?: DeviceCallOptions): Promise<boolean>;
  /**
   * The changes of the devices that a query means, for as long as they are read. A connection that breaks is resumed; where
   * changes may have been missed, a `resync` says so. Ends when its signal is aborted or the client is closed; fails when
   * another try can't help, as with AccessDenied.
   *
   * @throws InvalidRequest when the query can't be meant.
   */
  watch(query?: StreamQuery, options?: WatchOptions): AsyncIterableIterator<WatchEvent>;
  /** What the cache holds. */
  cacheInfo(options?: DeviceCallOptions): Promise<CacheInfo>;
  /** How the cache is. Never rejects: a cache that can't be reached is `unhealthy`. One attempt, within the time of one. */
  health(options?: DeviceCallOptions): Promise<HealthStatus>;
  /**
   * Changes settings while calls run: these end as they began, later ones go by the new settings. The near cache begins
   * anew, the breaker is closed, watches go on over the new connection.
   *
   * @throws ConfigurationError with all faults at once; then nothing has changed.
   */
  configure(changes: ConfigurationChanges): void;
  /** Takes no more calls, waits for those that run, ends watches, and closes the connections that the client has made. */
  close(): Promise<void>;
}

/** A client; `await using` closes it. */
export type DisposableClient = DeviceCacheMethods & AsyncDisposableWhereKnown;

/** How clients are made. */
export interface DeviceCacheClientConstructor {
  /**
   * Connects to nothing yet: the first call does.
   *
   * @throws ConfigurationError with all faults at once.
   */
  new (target: ClientTarget, options?: ClientOptions): DisposableClient;
  /**
   * A client from environment variables (`DEVICE_CACHE_URL`, …); options that are given here go before them.
   *
   * @throws ConfigurationError with all faults at once.
   */
  fromEnvironment(options?: ClientOptions, environment?: Environment): DisposableClient;
  /**
   * A client from a JSON file with the fields of a target and options; options that are given here go before them.
   *
   * @throws ConfigurationError with all faults at once.
   */
  fromFile(path: string, options?: ClientOptions): DisposableClient;
}
