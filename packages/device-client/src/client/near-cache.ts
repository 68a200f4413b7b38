import { type Cache, createCache } from 'breakwater/cache';
import type { Clock, Random } from 'breakwater/clock';
import type { Device } from '../contract/device.ts';
import { sleep } from '../transport/sleep.ts';
import type { ResolvedNearCacheOptions } from './near-cache-options.ts';
import type { WatchEvent } from './watch.ts';

/** What a near cache needs of its client. */
export interface NearCacheSource {
  /** The changes of all devices. */
  readonly watch: (signal: AbortSignal) => AsyncIterable<WatchEvent>;
  /** Is told what has ended the stream; it is tried again later. */
  readonly onLost: (error: unknown) => void;
  /** For how long a load may take, in milliseconds. */
  readonly maxLoadMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** How long one caller waits; the load goes on for others. */
export interface NearCacheWait {
  readonly signal: AbortSignal | undefined;
  readonly hardTimeoutMs: number;
}

/**
 * Devices in memory. A change that the stream tells of removes its device, and a gap in the stream removes all of them: what
 * is in here is at most as old as the stream is behind, and at most `ttlMs` old where there is no stream. What is being
 * loaded when its change comes is given to those who wait for it and not kept.
 */
export class NearCache {
  private readonly source: NearCacheSource;
  private readonly ttlMs: number;
  private readonly devices: Cache<Device | null>;
  private readonly ending: AbortController = new AbortController();
  private following: Promise<void> | undefined = undefined;
  private follows = false;

  constructor(options: ResolvedNearCacheOptions, source: NearCacheSource) {
    const { maxEntries, ttlMs, missingTtlMs, staleIfErrorMs } = options;
    const { clock, random, maxLoadMs } = source;
    this.source = source;
    this.ttlMs = ttlMs;
    this.devices = createCache<Device | null>({
      ...{ namespace: 'devices', maxEntries, ttlMs, negativeTtlMs: missingTtlMs, staleIfErrorMs, maxLoadMs },
      // One object goes to everybody who asks.
      values: 'frozen',
      clock,
      random,
    });
  }

  /** Whether what it holds is as new as the stream can make it; true also before it holds anything. */
  get isCurrent(): boolean {
    return this.following === undefined || this.follows;
  }

  /** The share of questions that were answered from here; null before the first. */
  get hitRatio(): number | null {
    const { memoryHits, staleHits, misses } = this.devices.statistics;
    const asked = memoryHits + misses;
    return asked === 0 ? null : Math.min(1, (memoryHits + staleHits) / asked);
  }

  /** The device in memory, at once; null where it is known that there is none, undefined where nothing is known. */
  getIfPresent(id: string): Device | null | undefined {
    return this.devices.getIfPresent(id);
  }

  /** The device, from memory or as `load` gives it; undefined when there is none. */
  async get(
    id: string,
    load: (signal: AbortSignal) => Promise<Device | undefined>,
    wait: NearCacheWait,
  ): Promise<Device | undefined> {
    this.follow();
    const loader = async (_: string, context: { readonly signal: AbortSignal }): Promise<Device | null> =>
      (await load(context.signal)) ?? null;
    return (await this.devices.getOrLoad(id, loader, wait)) ?? undefined;
  }

  /** The same for many, in their order; what is missing here is loaded together. */
  async getMany(
    ids: readonly string[],
    load: (ids: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, Device>>,
    wait: NearCacheWait,
  ): Promise<readonly (Device | undefined)[]> {
    this.follow();
    const found = await this.devices.getOrLoadMany<string>(
      ids,
      async (missing, context) => {
        const loaded = await load(missing, context.signal);
        return missing.map((id) => loaded.get(id) ?? null);
      },
      wait,
    );
    return found.map((device) => device ?? undefined);
  }

  /** Removes devices that this client has written. */
  async forget(ids: Iterable<string>): Promise<void> {
    await Promise.all(Array.from(ids, (id) => this.devices.delete(id)));
  }

  /** Ends the stream and lets go of everything. */
  async close(): Promise<void> {
    this.ending.abort();
    await this.following;
    await this.devices.close({ timeoutMs: 0 });
  }

  /** The stream is begun by the first who asks, so that a client that asks nothing connects to nothing. */
  private follow(): void {
    if (this.ending.signal.aborted) return;
    this.following ??= this.applyChanges();
  }

  private async applyChanges(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      try {
        for await (const event of this.source.watch(signal)) {
          // Before the stream was ready, and in a gap, anything may have changed.
          if (event.type === 'change') await this.devices.delete(event.deviceId);
          else await this.devices.clear();
          this.follows = true;
        }
      } catch (error) {
        this.source.onLost(error);
      }
      this.follows = false;
      // What has ended a watch may be mended, such as a token; by then nothing is older than it may be.
      await sleep(this.source.clock, this.ttlMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }
}
