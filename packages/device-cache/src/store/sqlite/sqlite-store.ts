/** The embedded store: a system of record in one file, which evicts nothing before its time. */
import {
  categoryOf,
  DEFAULT_TTL_SECONDS,
  type Device,
  type DeviceEntry,
  type DeviceSummary,
  type JsonObject,
  type Reading,
} from '@breakwater/device-client/contract';
import { type Clock, type Random, systemClock, systemRandom } from 'breakwater/clock';
import type { DatabaseSync } from 'node:sqlite';
import type { FencedReading } from '../../message/fence.ts';
import { type DeviceFacts, deviceJson, deviceView, summaryView } from '../device-view.ts';
import type {
  ChangeListener,
  ChangesSince,
  DeviceStore,
  ListRequest,
  ListResult,
  LoggedChange,
  Progress,
  ProgressStep,
  StoreInfo,
  WriteOutcome,
} from '../store.ts';
import { TimeToLive } from '../time-to-live.ts';
import { ChangeTable } from './change-table.ts';
import { guarded, inTransaction, openDatabase } from './database.ts';
import { listQuery } from './list-query.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** Options of the embedded store. */
export interface SqliteStoreOptions {
  /** The path of its file; `:memory:` keeps nothing beyond the process. */
  readonly path: string;
  /** How long a device is kept that is not heard of, in milliseconds; default 86,400,000. */
  readonly ttlMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** @throws StoreFileError when the file can't be used. */
export function sqliteStore(options: SqliteStoreOptions): DeviceStore {
  return new SqliteStore(options);
}

class SqliteStore implements DeviceStore {
  readonly kind = 'sqlite';
  private readonly database: DatabaseSync;
  private readonly statements: Statements;
  private readonly log: ChangeTable;
  private readonly clock: Clock;
  private readonly ttl: TimeToLive;
  private readonly listeners: Set<ChangeListener> = new Set();

  constructor({
    path,
    ttlMs = DEFAULT_TTL_SECONDS * 1_000,
    clock = systemClock,
    random = systemRandom,
  }: SqliteStoreOptions) {
    const { database, epoch } = openDatabase(path);
    this.database = database;
    this.statements = prepareStatements(database);
    this.log = new ChangeTable(this.statements, epoch, clock);
    this.clock = clock;
    this.ttl = new TimeToLive(ttlMs, random);
  }

  write(readings: readonly FencedReading[]): Promise<readonly WriteOutcome[]> {
    return this.change((changes, nowMs) => {
      const touched = new Map<string, Set<string>>();
      const outcomes = readings.map((reading) => this.writeOne(reading, nowMs, touched));
      for (const [device, categories] of touched) changes.push(this.log.add(device, 'readings', [...categories]));
      return outcomes;
    });
  }

  put(entries: readonly DeviceEntry[]): Promise<readonly DeviceSummary[]> {
    return this.change((changes, nowMs) =>
      entries.map(({ id, metadata }) => {
        const expires = nowMs + this.ttl.drawMs();
        this.statements.putDevice.run({ id, metadata: JSON.stringify(metadata), updated: nowMs, expires });
        changes.push(this.log.add(id, 'metadata'));
        return this.summaryOf(this.factsOf(id, nowMs)!);
      }),
    );
  }

  delete(id: string): Promise<boolean> {
    return this.change((changes, nowMs) => {
      const { latest } = this.statements.latestReading.get(id) as { readonly latest: number | null };
      const existed = this.statements.deleteDevice.run(id).changes > 0;
      if (!existed) return false;
      this.statements.deleteReadings.run(id);
      // A reading that is ahead of our clock is older than the deletion all the same.
      const deletedMs = Math.max(nowMs, Math.ceil((latest ?? 0) / 1_000));
      this.statements.rememberDeletion.run(id, deletedMs, nowMs + this.ttl.drawMs());
      changes.push(this.log.add(id, 'deleted'));
      return true;
    });
  }

  get(ids: readonly string[]): Promise<readonly (Device | undefined)[]> {
    return guarded(() => {
      const nowMs = this.clock.wallTime();
      return ids.map((id) => {
        const facts = this.factsOf(id, nowMs);
        return facts === undefined ? undefined : deviceView(facts, this.readingsOf(id));
      });
    });
  }

  getJson(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    return guarded(() => {
      const nowMs = this.clock.wallTime();
      return ids.map((id) => {
        const row = this.statements.device.get(id, nowMs) as DeviceRow | undefined;
        if (row === undefined) return undefined;
        const kept = this.statements.readings.all(id).map(({ category, idx, reading }) => ({
          category: String(category),
          index: String(idx),
          json: String(reading),
        }));
        return deviceJson(id, new Date(row.updated_ms).toISOString(), row.metadata, kept);
      });
    });
  }

  list(request: ListRequest): Promise<ListResult> {
    return guarded(() => {
      const nowMs = this.clock.wallTime();
      const { text, parameters } = listQuery(request, nowMs);
      const rows = this.database.prepare(text).all(...parameters) as unknown as readonly DeviceRow[];
      const page = rows.slice(0, request.limit).map(factsOfRow);
      const devices = page.map((facts) => this.summaryOf(facts));
      const last = page.at(-1);
      return rows.length <= request.limit || last === undefined
        ? { devices }
        : { devices, next: { id: last.id, updatedMs: last.lastUpdatedMs } };
    });
  }

  info(): Promise<StoreInfo> {
    return guarded(() => {
      const row = this.statements.info.get(this.clock.wallTime()) as {
        readonly devices: number;
        readonly oldest: number | null;
        readonly newest: number | null;
      };
      const { bytes } = this.statements.pages.get() as { readonly bytes: number };
      return { devices: row.devices, memoryBytes: bytes, oldestMs: row.oldest, newestMs: row.newest };
    });
  }

  changesSince(position: string | undefined, most: number): Promise<ChangesSince> {
    return guarded(() => this.log.since(position, most));
  }

  listen(listener: ChangeListener): Promise<() => Promise<void>> {
    this.listeners.add(listener);
    return Promise.resolve(() => {
      this.listeners.delete(listener);
      return Promise.resolve();
    });
  }

  progress(source: string): Promise<Progress> {
    return guarded(() => this.progressOf(source));
  }

  advance(source: string, steps: readonly ProgressStep[]): Promise<boolean> {
    return guarded(() =>
      inTransaction(this.database, () => {
        const noted = this.progressOf(source);
        if (steps.some(({ partition, from }) => noted.get(partition) !== from)) return false;
        for (const { partition, to } of steps) this.statements.advance.run(source, partition, to);
        return true;
      }),
    );
  }

  sweep(): Promise<number> {
    return this.change((changes) => changes.filter(({ data }) => data.cause === 'expired').length);
  }

  setTtl(ttlMs: number): void {
    this.ttl.ttlMs = ttlMs;
  }

  ping(): Promise<void> {
    return guarded(() => {
      this.statements.ping.get();
    });
  }

  close(): Promise<void> {
    this.listeners.clear();
    return guarded(() => {
      if (this.database.isOpen) this.database.close();
    });
  }

  /** Runs a change in a transaction that first forgets what has expired, and tells the listeners when it is on the disk. */
  private change<T>(work: (changes: LoggedChange[], nowMs: number) => T): Promise<T> {
    return guarded(() => {
      const changes: LoggedChange[] = [];
      const nowMs = this.clock.wallTime();
      const result = inTransaction(this.database, () => {
        this.forgetExpired(changes, nowMs);
        return work(changes, nowMs);
      });
      for (const change of changes) for (const listener of this.listeners) listener.changed(change);
      return result;
    });
  }

  private forgetExpired(changes: LoggedChange[], nowMs: number): void {
    for (const { id } of this.statements.expiredDevices.all(nowMs)) {
      this.statements.deleteReadings.run(id!);
      this.statements.deleteDevice.run(id!);
      changes.push(this.log.add(String(id), 'expired'));
    }
    this.statements.forgetDeletions.run(nowMs);
  }

  private progressOf(source: string): Progress {
    const rows = this.statements.progress.all(source);
    return new Map(rows.map(({ part, offset }) => [Number(part), Number(offset)]));
  }

  private writeOne(
    { reading, timestampUs, offset }: FencedReading,
    nowMs: number,
    touched: Map<string, Set<string>>,
  ): WriteOutcome {
    const { device_id: device, index, metadata } = reading;
    const category = categoryOf(reading);
    const { changes } = this.statements.write.run({
      device,
      category,
      idx: index,
      timestamp: timestampUs,
      offset,
      unit: metadata?.datatype_unit ?? null,
      datatypeId: metadata === null ? null : String(metadata.datatype_id),
      datatypeName: metadata?.datatype_name ?? null,
      reading: JSON.stringify(reading),
    });
    if (changes === 0) return 'outdated';
    const expires = nowMs + this.ttl.drawMs();
    this.statements.touchDevice.run({ id: device, updated: Math.floor(timestampUs / 1_000), expires });
    touched.set(device, (touched.get(device) ?? new Set()).add(category));
    return 'stored';
  }

  private factsOf(id: string, nowMs: number): DeviceFacts | undefined {
    const row = this.statements.device.get(id, nowMs) as DeviceRow | undefined;
    return row === undefined ? undefined : factsOfRow(row);
  }

  private readingsOf(id: string): readonly Reading[] {
    return this.statements.readings.all(id).map(({ reading }) => JSON.parse(String(reading)) as Reading);
  }

  private summaryOf(facts: DeviceFacts): DeviceSummary {
    const counts = this.statements.countByCategory.all(facts.id);
    const total = counts.reduce((sum, { count }) => sum + Number(count), 0);
    return summaryView(
      facts,
      counts.map(({ category }) => String(category)),
      total,
    );
  }
}

interface DeviceRow {
  readonly id: string;
  readonly metadata: string;
  readonly updated_ms: number;
}

function factsOfRow({ id, metadata, updated_ms }: DeviceRow): DeviceFacts {
  return { id, lastUpdatedMs: updated_ms, metadata: JSON.parse(metadata) as JsonObject };
}
