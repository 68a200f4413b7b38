/**
 * The client of the device cache. A call goes: check what is asked → near cache, where there is one → policies → transport →
 * check what came. All but the first are made from the settings; `configure` makes them anew and lets those that were
 * there end their calls first.
 */
import { ConfigurationError } from 'breakwater/errors';
import type { Device, DeviceEntry, DeviceInput, DeviceSummary } from '../contract/device.ts';
import type { ListQuery, ReadingsQuery, StreamQuery } from '../contract/query.ts';
import type { Reading } from '../contract/reading.ts';
import type { CacheInfo, HealthStatus } from '../contract/state.ts';
import { ClientClosed, DeviceNotFound } from '../errors/errors.ts';
import { failureOfCall } from '../errors/failure-of-call.ts';
import type { DeviceTransport } from '../transport/transport.ts';
import { type Assembly, assembled } from './assembly.ts';
import type {
  ConfigurationChanges,
  DeviceCacheClientConstructor,
  DeviceCacheMethods,
  DeviceCallOptions,
  DisposableClient,
  WatchOptions,
} from './client-contract.ts';
import { type DeviceList, deviceList } from './device-list.ts';
import { unreachable, withCause } from './health.ts';
import { tell } from './logger.ts';
import { forAll, isOwn, nearly, waitOf } from './call-options.ts';
import { type ClientOptions, resolveSettings } from './options.ts';
import {
  checkEntries,
  checkId,
  checkIds,
  checkListQuery,
  checkReadingsQuery,
  checkStreamQuery,
  inBatches,
} from './requests.ts';
import {
  divided,
  type Environment,
  settingsFromEnvironment,
  settingsFromFile,
  type SourceSettings,
} from './settings-sources.ts';
import { type ClientTarget, targetPlaces } from './target.ts';
import { watchChanges, type WatchEvent } from './watch.ts';

/** One thing that is asked of a transport. */
type Ask<T> = (transport: DeviceTransport, signal: AbortSignal) => Promise<T>;

class Client implements DeviceCacheMethods {
  /** What was said so far, so that a change of one thing leaves the others. */
  private said: SourceSettings;
  private assembly: Assembly;
  /** What `configure` has replaced, until its calls have ended. */
  private readonly leaving: Set<Promise<void>> = new Set();
  private readonly closing: AbortController = new AbortController();
  private closed: Promise<void> | undefined = undefined;

  constructor(target: ClientTarget, options: ClientOptions = {}) {
    this.said = { target, options };
    this.assembly = assembled(resolveSettings(target, options));
  }

  static fromEnvironment(options: ClientOptions = {}, environment?: Environment): Client {
    const found = settingsFromEnvironment(environment);
    return new Client(found.target, { ...found.options, ...options });
  }

  static fromFile(path: string, options: ClientOptions = {}): Client {
    const found = settingsFromFile(path);
    return new Client(found.target, { ...found.options, ...options });
  }

  async getDevice(id: string, options?: DeviceCallOptions): Promise<Device> {
    checkId(id);
    const { nearCache } = this.current;
    const load = (more?: DeviceCallOptions): Promise<Device | undefined> =>
      this.call('reads', 'getDevice', (transport, signal) => transport.getDevice(id, signal), more);
    const device = await (nearCache === undefined
      ? load(options)
      : nearly('getDevice', options, () =>
          nearCache.get(id, (signal) => load({ ...forAll(options), signal }), waitOf(options)),
        ));
    if (device === undefined) throw new DeviceNotFound(id);
    return device;
  }

  async getDevices(ids: readonly string[], options?: DeviceCallOptions): Promise<ReadonlyMap<string, Device>> {
    checkIds(ids);
    const unique = [...new Set(ids)];
    const { nearCache } = this.current;
    if (nearCache === undefined) return this.loadMany(unique, options);
    const found = await nearly('getDevices', options, () =>
      nearCache.getMany(
        unique,
        (missing, signal) => this.loadMany(missing, { ...forAll(options), signal }),
        waitOf(options),
      ),
    );
    return new Map(found.flatMap((device) => (device === undefined ? [] : [[device.id, device]])));
  }

  peekDevice(id: string): Device | undefined {
    const { nearCache } = this.assembly;
    if (nearCache !== undefined) return nearCache.getIfPresent(id) ?? undefined;
    const expected = 'true or options: peekDevice reads the near cache';
    throw new ConfigurationError([{ path: 'deviceCacheClient.nearCache', expected, received: 'false' }]);
  }

  listDevices(query: ListQuery = {}, options?: DeviceCallOptions): DeviceList {
    checkListQuery(query);
    return deviceList(query, (page) =>
      this.call('reads', 'listDevices', (transport, signal) => transport.listPage(page, signal), options),
    );
  }

  async getReadings(id: string, query: ReadingsQuery = {}, options?: DeviceCallOptions): Promise<readonly Reading[]> {
    checkId(id);
    checkReadingsQuery(query);
    const ask: Ask<readonly Reading[] | undefined> = (transport, signal) => transport.getReadings(id, query, signal);
    const readings = await this.call('reads', 'getReadings', ask, options);
    if (readings === undefined) throw new DeviceNotFound(id);
    return readings;
  }

  async putDevice(id: string, input: DeviceInput, options?: DeviceCallOptions): Promise<Device> {
    checkEntries([{ ...input, id }]);
    return this.write('putDevice', [id], (transport, signal) => transport.putDevice(id, input, signal), options);
  }

  async putDevices(entries: readonly DeviceEntry[], options?: DeviceCallOptions): Promise<readonly DeviceSummary[]> {
    checkEntries(entries);
    const devices: DeviceSummary[] = [];
    for (const batch of inBatches(entries)) {
      const ids = batch.map(({ id }) => id);
      const put: Ask<readonly DeviceSummary[]> = (transport, signal) => transport.putDevices(batch, signal);
      devices.push(...(await this.write('putDevices', ids, put, options)));
    }
    return devices;
  }

  async deleteDevice(id: string, options?: DeviceCallOptions): Promise<boolean> {
    checkId(id);
    return this.write('deleteDevice', [id], (transport, signal) => transport.deleteDevice(id, signal), options);
  }

  watch(query: StreamQuery = {}, { signal }: WatchOptions = {}): AsyncIterableIterator<WatchEvent> {
    checkStreamQuery(query);
    const { clock, random } = this.current.settings;
    const watching = {
      changes: (from: StreamQuery, ending: AbortSignal) => this.assembly.changes(from, ending),
      logger: () => this.assembly.settings.logger,
      clock,
      random,
    };
    const ended = this.closing.signal;
    return watchChanges(watching, query, signal === undefined ? ended : AbortSignal.any([signal, ended]));
  }

  async cacheInfo(options?: DeviceCallOptions): Promise<CacheInfo> {
    const { nearCache } = this.assembly;
    const ask: Ask<CacheInfo> = (transport, signal) => transport.cacheInfo(signal);
    const info = await this.call('reads', 'cacheInfo', ask, options);
    if (nearCache === undefined) return info;
    return { ...info, hitRatios: { ...info.hitRatios, near: nearCache.hitRatio } };
  }

  async health(options?: DeviceCallOptions): Promise<HealthStatus> {
    const { transport, nearCache, settings, checks } = this.assembly;
    try {
      if (this.closed !== undefined) throw new ClientClosed();
      const health = await checks.execute(({ signal }) => transport.health(signal), options);
      if (nearCache === undefined || nearCache.isCurrent) return health;
      const message = 'changes do not reach the near cache: what it holds may be as old as its ttlMs';
      return withCause(health, { component: 'near-cache', status: 'degraded', message });
    } catch (error) {
      const checkedAt = new Date(settings.clock.wallTime()).toISOString();
      return unreachable(failureOfCall(error, 'health'), transport.kind, checkedAt);
    }
  }

  configure(changes: ConfigurationChanges): void {
    const before = this.current;
    const changed = divided(changes as Readonly<Record<string, unknown>>);
    const isElsewhere = targetPlaces.some((place) => changes[place] !== undefined);
    const target = isElsewhere ? changed.target : { ...this.said.target, ...changed.target };
    const options = { ...this.said.options, ...changed.options };
    this.assembly = assembled(resolveSettings(target, options));
    this.said = { target, options };
    this.leave(before);
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  /** @throws ClientClosed */
  private get current(): Assembly {
    if (this.closed !== undefined) throw new ClientClosed();
    return this.assembly;
  }

  private async end(): Promise<void> {
    this.closing.abort(new ClientClosed());
    this.leave(this.assembly);
    await Promise.all(this.leaving);
  }

  /** Lets an assembly end its calls and its connection. What fails then is told, and keeps nobody from closing. */
  private leave(assembly: Assembly): void {
    const { logger } = assembly.settings;
    const left = assembly
      .dismantle()
      .catch((error: unknown) => tell(logger, 'warn', () => `device cache: closing failed: ${String(error)}`))
      .finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }

  private async loadMany(
    ids: readonly string[],
    options: DeviceCallOptions | undefined,
  ): Promise<ReadonlyMap<string, Device>> {
    const found = new Map<string, Device>();
    for (const batch of inBatches(ids)) {
      const ask: Ask<{ readonly devices: readonly Device[] }> = (transport, signal) =>
        transport.getDevices(batch, signal);
      const { devices } = await this.call('reads', 'getDevices', ask, options);
      for (const device of devices) found.set(device.id, device);
    }
    return found;
  }

  /** A write, after which the near cache knows nothing of these devices: also one that failed may have been done. */
  private async write<T>(
    what: string,
    ids: readonly string[],
    ask: Ask<T>,
    options: DeviceCallOptions | undefined,
  ): Promise<T> {
    try {
      return await this.call('writes', what, ask, options);
    } finally {
      await this.assembly.nearCache?.forget(ids);
    }
  }

  private async call<T>(
    kind: 'reads' | 'writes',
    what: string,
    ask: Ask<T>,
    options: DeviceCallOptions | undefined,
  ): Promise<T> {
    const { policies, transport, settings } = this.current;
    try {
      return await policies[kind].execute(({ signal }) => ask(transport, signal), options);
    } catch (error) {
      const failure = failureOfCall(error, what, isOwn(error, options));
      tell(settings.logger, 'debug', () => `device cache: ${what} failed: ${String(failure)}`);
      throw failure;
    }
  }
}

// `await using` looks for it; declared by type only where the compiler knows it.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Client.prototype, Symbol.asyncDispose, {
    value(this: Client): Promise<void> {
      return this.close();
    },
    configurable: true,
    writable: true,
  });
}
Object.defineProperty(Client, 'name', { value: 'DeviceCacheClient' });

/** A typed, resilient client of the device cache: over HTTP, or on its Redis directly. */
export const DeviceCacheClient: DeviceCacheClientConstructor = Client as unknown as DeviceCacheClientConstructor;
/** A client; see {@link DeviceCacheMethods}. `await using` closes it. */
export type DeviceCacheClient = DisposableClient;
