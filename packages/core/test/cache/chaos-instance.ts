/** One instance of a cache with connections of its own, and callers who read and change and note what they see. */
import { Redis } from 'ioredis';
import { type Cache, createCache, ioredisPort, redisBus, redisStore } from '../../src/cache/index.ts';

export const KEYS: readonly string[] = Array.from({ length: 20 }, (_, n) => `key ${n}`);
export const HARD_TIMEOUT_MS = 400;
const WORKERS = 8;

/** Where the values come from: a number for each key, which counts up. */
export interface Source {
  /** What a load gets, some time after it was so. */
  load(key: string): Promise<number>;
  /** Counts a key up. */
  raise(key: string): Promise<number>;
}

/** What the callers of an instance have seen. */
export interface Seen {
  calls: number;
  slowestMs: number;
  failed: number;
  /** Values from before an invalidation that had returned in this instance when the reading began. */
  staleReads: number;
}

/** Options beside those that every instance has. */
export interface InstanceOptions {
  readonly tier?: object;
  readonly cache?: object;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class ChaosInstance {
  readonly cache: Cache<number>;
  readonly seen: Seen = { calls: 0, slowestMs: 0, failed: 0, staleReads: 0 };
  private readonly client: Redis;
  private readonly source: Source;
  /** What every key was at least when its last invalidation in this instance returned. */
  private readonly floor: Map<string, number> = new Map();
  private readonly workers: Promise<void>[];
  private running = true;

  constructor(redisOn: number, source: Source, { tier, cache: more }: InstanceOptions = {}) {
    this.source = source;
    this.client = new Redis({
      port: redisOn,
      host: '127.0.0.1',
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
    });
    this.client.on('error', () => undefined);
    const port = ioredisPort(this.client);
    this.cache = createCache<number>({
      namespace: 'chaos',
      ttlMs: 60_000,
      hardTimeoutMs: HARD_TIMEOUT_MS,
      secondTier: { store: redisStore(port), bus: { source: redisBus(port), heartbeatMs: 100 }, ...tier },
      ...more,
    });
    this.workers = Array.from({ length: WORKERS }, (_, n) => this.work(n));
  }

  async read(key: string): Promise<number | undefined> {
    const { seen } = this;
    const least = this.floor.get(key) ?? 0;
    const startedAt = performance.now();
    const value = await this.cache.getOrLoad(key, (asked) => this.source.load(asked)).catch(() => undefined);
    seen.calls++;
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt);
    if (value === undefined) seen.failed++;
    else if (value < least) seen.staleReads++;
    return value;
  }

  /** Whether it tells the truth about every key. */
  async tells(truth: Iterable<readonly [string, number]>): Promise<boolean> {
    for (const [key, value] of truth) if ((await this.read(key)) !== value) return false;
    return true;
  }

  /** Its callers end their last rounds. */
  async end(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  async close(): Promise<void> {
    await this.cache.close();
    this.client.disconnect();
  }

  private async change(key: string): Promise<void> {
    const value = await this.source.raise(key);
    const startedAt = performance.now();
    await this.cache.delete(key);
    this.seen.slowestMs = Math.max(this.seen.slowestMs, performance.now() - startedAt);
    this.floor.set(key, Math.max(this.floor.get(key) ?? 0, value));
  }

  private async work(worker: number): Promise<void> {
    for (let n = worker; this.running; n++) {
      const key = KEYS[(n * 7) % KEYS.length]!;
      if (n % 13 === 0) await this.change(key);
      await this.read(key);
      await pause(n % 3);
    }
  }
}
