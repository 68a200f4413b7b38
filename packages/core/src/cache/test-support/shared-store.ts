import type { TierReading, TierRecord, TierSource, TierStore } from '../tier/tier-store.ts';
import type { Clock } from '../../clock/clock.ts';

interface Kept {
  version: number;
  bytes: Uint8Array | undefined;
  until: number;
}

/** A tier store in memory that several caches share, slow or failing as the test likes. */
export class SharedStore implements TierStore, TierSource {
  readonly name = 'shared';
  readonly kept: Map<string, Kept> = new Map();
  readonly generationsByTag: Map<string, string> = new Map();
  readonly calls: string[] = [];
  /** How long every answer takes; Infinity: there is none. */
  delayMs = 0;
  /** What every question is answered with. */
  failure: Error | undefined = undefined;
  /** Questions that alone fail. */
  failing: ReadonlySet<string> = new Set();
  private readonly clock: Clock;
  private readonly leases: Map<string, string> = new Map();
  private count = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  open(): TierStore {
    return this;
  }

  read(keys: readonly string[], tags: readonly string[]): Promise<TierReading> {
    return this.answer('read', () => ({
      records: keys.map((key) => this.record(key)),
      generations: tags.map((tag) => this.generationsByTag.get(tag) ?? this.renewed(tag)),
    }));
  }

  write(key: string, bytes: Uint8Array, lifeMs: number, expected: number | undefined): Promise<number> {
    return this.answer('write', () => {
      if (expected !== undefined && (this.record(key)?.version ?? 0) !== expected) return 0;
      return this.put(key, bytes, lifeMs);
    });
  }

  remove(key: string, lifeMs: number): Promise<number> {
    return this.answer('remove', () => this.put(key, undefined, lifeMs));
  }

  discard(key: string): Promise<void> {
    return this.answer('discard', () => void this.kept.delete(key));
  }

  generations(tags: readonly string[]): Promise<readonly string[]> {
    return this.answer('generations', () => tags.map((tag) => this.generationsByTag.get(tag) ?? this.renewed(tag)));
  }

  renew(tags: readonly string[]): Promise<void> {
    return this.answer('renew', () => {
      for (const tag of tags) this.renewed(tag);
    });
  }

  async *scan(): AsyncGenerator<readonly string[], undefined> {
    yield await this.answer('scan', () => [...this.kept.keys()]);
  }

  ping(): Promise<unknown> {
    return this.answer('ping', () => 'PONG');
  }

  lease(key: string, holder: string): Promise<boolean> {
    return this.answer('lease', () => {
      if (this.leases.has(key)) return false;
      this.leases.set(key, holder);
      return true;
    });
  }

  release(key: string, holder: string): Promise<void> {
    return this.answer('release', () => {
      if (this.leases.get(key) === holder) this.leases.delete(key);
    });
  }

  private async answer<T>(operation: string, act: () => T): Promise<T> {
    this.calls.push(operation);
    const { failure, delayMs } = this;
    if (delayMs === Infinity) return new Promise<never>(() => undefined);
    if (delayMs > 0) await new Promise<void>((resolve) => void this.clock.setTimer(delayMs, resolve));
    if (failure !== undefined) throw failure;
    if (this.failing.has(operation)) throw new Error('read-only');
    return act();
  }

  private record(key: string): TierRecord | undefined {
    const kept = this.kept.get(key);
    if (kept === undefined || kept.until <= this.clock.now()) return undefined;
    return { version: kept.version, bytes: kept.bytes, remainingMs: kept.until - this.clock.now() };
  }

  private put(key: string, bytes: Uint8Array | undefined, lifeMs: number): number {
    const version = (this.record(key)?.version ?? 1_000 * ++this.count) + 1;
    this.kept.set(key, { version, bytes, until: this.clock.now() + lifeMs });
    return version;
  }

  private renewed(tag: string): string {
    const generation = `generation ${++this.count}`;
    this.generationsByTag.set(tag, generation);
    return generation;
  }
}
