/**
 * What changes a cache from outside: values that are set, deleted, invalidated. Memory has the change at once, and what
 * is being loaded under the old state is fenced off; then the second tier is told.
 */
import type { CacheCore } from './cache-core.ts';
import { uniqueTags } from './fences.ts';
import { checkKey } from './cache-key.ts';
import type { Loading } from './loading.ts';
import type { ResolvedEntryOptions } from './options.ts';

export class Changes<Value> {
  private readonly core: CacheCore<Value>;
  private readonly loading: Loading<Value>;

  /** Also makes the changes of which other processes tell. */
  constructor(core: CacheCore<Value>, loading: Loading<Value>) {
    this.core = core;
    this.loading = loading;
    core.tier?.listen(
      (text) => this.forgetKey(text),
      (tags) => this.forgetTags(tags),
    );
  }

  async set(text: string, value: Value, options: ResolvedEntryOptions, etag: string | undefined): Promise<void> {
    const { core } = this;
    this.loading.fence(checkKey(text));
    const entry = core.entry(value, options, core.fences.sequence, uniqueTags(options.tags, undefined), etag);
    if (entry.freshUntil <= entry.createdAt) {
      await this.delete(text);
      return;
    }
    const base = core.memory.peek(text)?.version ?? 0;
    core.keep(text, entry);
    await core.tier?.set(text, entry, base);
  }

  /** True when memory had the key. */
  async delete(text: string): Promise<boolean> {
    const had = this.forgetKey(checkKey(text));
    this.core.tell('cache-invalidated', text, { what: 'key', tags: [], remote: false });
    await this.core.tier?.delete(text);
    return had;
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    this.forgetTags(tags);
    this.core.tell('cache-invalidated', undefined, { what: 'tags', tags, remote: false });
    await this.core.tier?.invalidate(tags);
  }

  async clear(): Promise<void> {
    this.forgetTags(undefined);
    this.core.tell('cache-invalidated', undefined, { what: 'all', tags: [], remote: false });
    await this.core.tier?.clear();
  }

  private forgetKey(text: string): boolean {
    this.loading.fence(text);
    return this.core.memory.delete(text);
  }

  /** @param tags Undefined for everything. */
  private forgetTags(tags: readonly string[] | undefined): void {
    if (tags !== undefined) this.core.fences.invalidate(tags);
    else {
      this.core.fences.clear();
      this.loading.fenceAll();
      this.core.memory.clear();
    }
  }
}
