/** Devices as they are sent, ready in memory; a change of a device takes its copy out. */
import { type Cache, createCache } from 'breakwater/cache';
import type { Clock } from 'breakwater/clock';
import type { MetricSource } from 'breakwater/telemetry';
import { PackedForms } from '../api/content-coding.ts';
import { entityTag, type KeptBody } from '../api/entity-tag.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { DeviceStore } from '../store/store.ts';

/** A device as it is sent. */
export interface ReadyDevice extends KeptBody {
  /** How many bytes the body has, as its header says it. */
  readonly bytes: string;
}

/** How long a copy is trusted that no change has taken out: a second look at what should be true anyway. */
const TTL_MS = 60_000;

export class NearCache {
  private readonly cache: Cache<ReadyDevice | null>;
  private readonly store: DeviceStore;
  private asked: number = 0;
  private found: number = 0;

  constructor(store: DeviceStore, maxEntries: number, clock: Clock) {
    this.store = store;
    this.cache = createCache<ReadyDevice | null>({ namespace: 'devices', ttlMs: TTL_MS, maxEntries, clock });
  }

  /** Follows the changes from now on. */
  follow(feed: ChangeFeed): void {
    feed.add({
      changed: ({ data }) => this.drop(data.deviceId),
      idsChanged: (ids) => {
        for (const id of ids) this.drop(id);
      },
      gap: () => this.clear(),
    });
  }

  /** The device where it is at hand, at once. */
  getIfPresent(id: string): ReadyDevice | undefined {
    return this.cache.getIfPresent(id) ?? undefined;
  }

  /** The device, from the store where it is not at hand; null where there is none. */
  get(id: string): Promise<ReadyDevice | null> {
    return this.cache.getOrLoad(id, this.loader);
  }

  /** Takes a copy out; what is being read for it at this moment is not kept either. */
  drop(id: string): void {
    void this.cache.delete(id);
  }

  clear(): void {
    void this.cache.clear();
  }

  /** Hits by hits and misses, by tier; null where nothing was asked yet. */
  get hitRatios(): { readonly near: number | null; readonly store: number | null } {
    const { memoryHits, misses } = this.cache.statistics;
    return { near: ratioOf(memoryHits, memoryHits + misses), store: ratioOf(this.found, this.asked) };
  }

  /** How many devices were asked of the store, and how many of them it had. */
  get storeReads(): { readonly asked: number; readonly found: number } {
    return { asked: this.asked, found: this.found };
  }

  /** The cache as it is to be measured. */
  get measured(): MetricSource {
    return this.cache;
  }

  /** Counts devices that were asked of the store beside this cache. */
  countReads(asked: number, found: number): void {
    this.asked += asked;
    this.found += found;
  }

  async close(): Promise<void> {
    await this.cache.close();
  }

  private readonly loader = async (id: string): Promise<ReadyDevice | null> => {
    const [body] = await this.store.getJson([id]);
    this.countReads(1, body === undefined ? 0 : 1);
    if (body === undefined) return null;
    return { body, bytes: String(Buffer.byteLength(body)), tag: entityTag(body), forms: new PackedForms(body) };
  };
}

const ratioOf = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
