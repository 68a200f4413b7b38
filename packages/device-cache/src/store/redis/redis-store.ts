/** Devices in Redis or Valkey, one server or a cluster, under the keys of the contract. */
import {
  categoryOf,
  CHANGE_LOG_LENGTH,
  DEFAULT_TTL_SECONDS,
  type ChangeCause,
  type Device,
  type DeviceEntry,
  type DeviceSummary,
  redisKeys,
  type RedisKeyOptions,
  type RedisKeys,
} from '@breakwater/device-client/contract';
import { type Clock, type Random, systemClock, systemRandom } from 'breakwater/clock';
import type { MeasuredPipeline } from 'breakwater/telemetry';
import type { FencedReading } from '../../message/fence.ts';
import type { ChangeListener, ChangesSince, DeviceStore, ListRequest, ListResult, Progress } from '../store.ts';
import type { ProgressStep, StoreInfo, WriteOutcome } from '../store.ts';
import { isShownMoment } from '../device-view.ts';
import { TimeToLive } from '../time-to-live.ts';
import { ChangeStream } from './change-stream.ts';
import { type PipeliningPort, RedisConnection, texts } from './connection.ts';
import { DeviceReader } from './device-reader.ts';
import { ListWalk } from './list-walk.ts';
import { aroundCategory, type AroundCategory } from './reading-keys.ts';
import { advanceScript, type ChangeScript, deleteScript, putScript, sweepScript, writeScript } from './scripts.ts';

/** Options of the Redis store. */
export interface RedisStoreOptions {
  /** How it sends commands. */
  readonly port: PipeliningPort;
  /** The layout of the keys; default: the contract's, with hash tags in a cluster. */
  readonly keys?: RedisKeyOptions | undefined;
  /** How long a device is kept that is not heard of, in milliseconds; default 86,400,000. */
  readonly ttlMs?: number | undefined;
  /** After how long a Redis that doesn't answer counts as away, in milliseconds; default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** How often the log is looked at for changes that others made, in milliseconds; default 100. */
  readonly pollMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export function redisStore(options: RedisStoreOptions): DeviceStore {
  return new RedisStore(options);
}

/** What a change tells the registry. */
interface RegistryEntry {
  readonly id: string;
  readonly cause: ChangeCause;
  readonly category?: string;
  readonly updatedMs: number;
  readonly expiresMs: number;
  /** When it was changed, as the log tells it. */
  readonly at: string;
}

/** A change of a device: what its script is told, and what the registry is. */
interface Change {
  readonly entry: RegistryEntry;
  readonly parameters: readonly string[];
}

class RedisStore implements DeviceStore {
  readonly kind = 'redis';
  private readonly connection: RedisConnection;
  private readonly keys: RedisKeys;
  private readonly aroundCategory: AroundCategory;
  private readonly reader: DeviceReader;
  private readonly walk: ListWalk;
  private readonly log: ChangeStream;
  private readonly clock: Clock;
  private readonly ttl: TimeToLive;
  private readonly isCluster: boolean;

  constructor(options: RedisStoreOptions) {
    const { port, keys, ttlMs = DEFAULT_TTL_SECONDS * 1_000, timeoutMs = 5_000, pollMs = 100 } = options;
    const { clock = systemClock, random = systemRandom } = options;
    this.isCluster = port.isCluster === true;
    this.keys = redisKeys({ hashTags: this.isCluster, ...keys });
    this.connection = new RedisConnection(port, timeoutMs, clock);
    this.aroundCategory = aroundCategory(this.keys);
    this.reader = new DeviceReader(this.connection, this.keys, this.aroundCategory);
    this.walk = new ListWalk(this.connection, this.keys, this.reader);
    this.log = new ChangeStream(this.connection, this.keys.changes, clock, pollMs);
    this.clock = clock;
    this.ttl = new TimeToLive(ttlMs, random);
  }

  get pipeline(): MeasuredPipeline {
    return this.connection.pipeline;
  }

  async write(readings: readonly FencedReading[]): Promise<readonly WriteOutcome[]> {
    const nowMs = this.clock.wallTime();
    const at = new Date(nowMs).toISOString();
    const changes = readings.map((reading) => this.writing(reading, nowMs, at));
    const replies = await this.connection.run(() => this.changeAll(writeScript, changes));
    const outcomes = replies.map((reply) => (reply === 1 ? 'stored' : 'outdated'));
    this.log.nudge();
    return outcomes;
  }

  async put(entries: readonly DeviceEntry[]): Promise<readonly DeviceSummary[]> {
    const devices = await this.connection.run(() => Promise.all(entries.map((entry) => this.putOne(entry))));
    this.log.nudge();
    return devices;
  }

  async delete(id: string): Promise<boolean> {
    const nowMs = this.clock.wallTime();
    const at = new Date(nowMs).toISOString();
    const entry = { id, cause: 'deleted', updatedMs: 0, expiresMs: 0, at } as const;
    const parameters = [...this.aroundCategory(id), String(this.ttl.drawMs()), String(nowMs)];
    const existed = await this.connection.run(() => this.change(deleteScript, entry, parameters));
    this.log.nudge();
    return existed === 1;
  }

  get(ids: readonly string[]): Promise<readonly (Device | undefined)[]> {
    return Promise.all(ids.map((id) => this.reader.device(id)));
  }

  getJson(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    const [first, ...others] = ids;
    if (first !== undefined && others.length === 0) return this.reader.json(first).then((found) => [found]);
    return Promise.all(ids.map((id) => this.reader.json(id)));
  }

  list(request: ListRequest): Promise<ListResult> {
    return this.connection.run(() => this.walk.list(request));
  }

  info(): Promise<StoreInfo> {
    const { devices, updated } = this.keys;
    const now = String(this.clock.wallTime());
    return this.connection.run(async () => {
      const [count, oldest, newest, memory] = await Promise.all([
        this.connection.send(['ZCOUNT', devices, `(${now}`, '+inf'], devices),
        this.connection.send(['ZRANGE', updated, '0', '0', 'WITHSCORES'], updated),
        this.connection.send(['ZRANGE', updated, '-1', '-1', 'WITHSCORES'], updated),
        this.memoryBytes(),
      ]);
      return { devices: Number(count), memoryBytes: memory, oldestMs: scoreOf(oldest), newestMs: scoreOf(newest) };
    });
  }

  changesSince(position: string | undefined, most: number): Promise<ChangesSince> {
    return this.connection.run(() => this.log.since(position, most));
  }

  listen(listener: ChangeListener): Promise<() => Promise<void>> {
    return this.log.listen(listener);
  }

  progress(source: string): Promise<Progress> {
    const key = this.progressKey(source);
    return this.connection.run(async () => progressOf(await this.connection.send(['HGETALL', key], key)));
  }

  advance(source: string, steps: readonly ProgressStep[]): Promise<boolean> {
    const parameters = steps.flatMap(({ partition, from, to }) => [partition, from ?? '', to]).map(String);
    return this.connection.run(async () => {
      return (await this.connection.script(advanceScript, [this.progressKey(source)], parameters)) === 1;
    });
  }

  async sweep(): Promise<number> {
    const nowMs = this.clock.wallTime();
    const { devices, updated, ids, changes } = this.keys;
    const parameters = [String(nowMs), new Date(nowMs).toISOString(), LOG_LENGTH];
    const gone = await this.connection.run(() =>
      this.connection.script(sweepScript, [devices, updated, ids, changes], parameters),
    );
    if (Number(gone) > 0) this.log.nudge();
    return Number(gone);
  }

  setTtl(ttlMs: number): void {
    this.ttl.ttlMs = ttlMs;
  }

  async ping(): Promise<void> {
    await this.connection.run(() => this.connection.send(['PING'], undefined));
  }

  close(): Promise<void> {
    return this.log.stop();
  }

  private writing({ reading, timestampUs, offset }: FencedReading, nowMs: number, at: string): Change {
    const { device_id: id, index, timestamp } = reading;
    const category = categoryOf(reading);
    const ttlMs = this.ttl.drawMs();
    const updatedMs = Math.floor(timestampUs / 1_000);
    const [before, after] = this.aroundCategory(id);
    const parameters = [
      before,
      after,
      String(ttlMs),
      isShownMoment(timestamp) ? timestamp : new Date(updatedMs).toISOString(),
      index,
      category,
      String(timestampUs),
      String(offset),
      JSON.stringify(reading),
    ];
    return { entry: { id, cause: 'readings', category, updatedMs, expiresMs: nowMs + ttlMs, at }, parameters };
  }

  private async putOne({ id, metadata }: DeviceEntry): Promise<DeviceSummary> {
    const nowMs = this.clock.wallTime();
    const ttlMs = this.ttl.drawMs();
    const around = this.aroundCategory(id);
    const at = new Date(nowMs).toISOString();
    const parameters = [...around, String(ttlMs), at, JSON.stringify(metadata)];
    const entry = { id, cause: 'metadata', updatedMs: nowMs, expiresMs: nowMs + ttlMs, at } as const;
    await this.change(putScript, entry, parameters);
    const device = await this.reader.summary(id);
    // It may have been deleted since by somebody else: then this is what was put.
    return device ?? { id, lastUpdated: at, metadata, categories: [], readingCount: 0 };
  }

  private async change(script: ChangeScript, entry: RegistryEntry, parameters: readonly string[]): Promise<number> {
    const [outcome = 0] = await this.changeAll(script, [{ entry, parameters }]);
    return outcome;
  }

  /** Runs changes, in order; each result is that of the device's part: 0 nothing to do, 1 done, 2 done before. */
  private async changeAll(script: ChangeScript, changes: readonly Change[]): Promise<readonly number[]> {
    const { connection } = this;
    const { devices, updated, ids, changes: log } = this.keys;
    const registryKeys = [devices, updated, ids, log];
    if (!this.isCluster) {
      const calls = changes.map(({ entry, parameters }) =>
        connection.callOf(
          script.whole,
          this.deviceKeys(entry.id).concat(registryKeys),
          parameters,
          entryParameters(entry),
        ),
      );
      return (await connection.runCalls(script.whole, calls)).map(Number);
    }
    const calls = changes.map(({ entry, parameters }) =>
      connection.callOf(script.device, this.deviceKeys(entry.id), parameters),
    );
    const outcomes = (await connection.runCalls(script.device, calls)).map(Number);
    // Done before, but perhaps only by half.
    const told = changes.filter((_, at) => outcomes[at]! > 0);
    const entries = told.map(({ entry }) => connection.callOf(script.registry, registryKeys, entryParameters(entry)));
    await connection.runCalls(script.registry, entries);
    return outcomes;
  }

  private deviceKeys(id: string): string[] {
    const { keys } = this;
    return [keys.metadata(id), keys.categories(id), keys.fences(id)];
  }

  private async memoryBytes(): Promise<number | null> {
    const replies = await Promise.all(
      this.connection.nodes().map((send) => send(['INFO', 'memory'], { key: undefined })),
    );
    const bytes = replies.map((reply) => Number(/^used_memory:(\d+)/m.exec(String(reply))?.[1]));
    return bytes.some(Number.isNaN) ? null : bytes.reduce((sum, one) => sum + one, 0);
  }

  private progressKey(source: string): string {
    return `${this.keys.devices}:progress:${source}`;
  }
}

const LOG_LENGTH = String(CHANGE_LOG_LENGTH);

/** What the registry is told. */
function entryParameters({ id, cause, category = '', updatedMs, expiresMs, at }: RegistryEntry): string[] {
  return [id, String(expiresMs), String(updatedMs), cause, category, at, LOG_LENGTH];
}

function scoreOf(reply: unknown): number | null {
  const [, score] = texts(reply);
  return score === undefined ? null : Number(score);
}

function progressOf(reply: unknown): Progress {
  const fields = texts(reply);
  return new Map(
    Array.from({ length: fields.length / 2 }, (_, i) => [Number(fields[2 * i]), Number(fields[2 * i + 1])]),
  );
}
