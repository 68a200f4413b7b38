import type { CacheEntry } from './entry.ts';

/** What a loader finds when there is a value that is no longer fresh. */
export interface StaleValue<Value> {
  readonly value: Value;
  readonly etag: string | undefined;
  /** How long ago it was loaded, in milliseconds. */
  readonly ageMs: number;
}

/** What a loader may say of the value that it returns. */
export interface LoadedValueOptions {
  /** How long it is fresh, with the cache's jitter: above 0, or Infinity. */
  readonly ttlMs?: number | undefined;
  /** Tags beside those of the call. */
  readonly tags?: readonly string[] | undefined;
  /** What the source calls this version of it, for a conditional request the next time. */
  readonly etag?: string | undefined;
}

/** What a loader is told, and what it may answer with beside its value. Its functions can be taken out of it. */
export interface LoaderContext<Value> {
  /** Aborted when the load takes too long or the cache is closed. */
  readonly signal: AbortSignal;
  /** The value that is to be replaced, where there is one. */
  readonly stale: StaleValue<Value> | undefined;
  /** Says more about the value that is going to be returned; what is said last counts. */
  readonly describe: (options: LoadedValueOptions) => void;
  /** Return what this returns to answer with `value` and not keep it. */
  readonly skip: (value: Value) => Value;
  /**
   * Return what this returns to say that the stale value is still good: it is fresh again.
   *
   * @throws TypeError when there is no stale value.
   */
  readonly notModified: () => Value;
}

/** Gets the value of a key from where it comes from. */
export type Loader<Value, Key> = (key: Key, context: LoaderContext<Value>) => Value | PromiseLike<Value>;

/** What a loader has said in the course of one load. */
export class LoadAnswer<Value> {
  options: LoadedValueOptions = {};
  skipped = false;
  unchanged = false;
  private controller: AbortController | undefined = undefined;
  private reason: unknown = undefined;
  private aborted = false;

  /** The context of the load; its signal is made when it is read. */
  context(stale: CacheEntry<Value> | undefined, now: number): LoaderContext<Value> {
    const signalOf = (): AbortSignal => this.signal;
    return {
      get signal() {
        return signalOf();
      },
      stale: stale === undefined ? undefined : { value: stale.value, etag: stale.etag, ageMs: now - stale.createdAt },
      describe: (options) => {
        this.options = { ...this.options, ...options };
      },
      skip: (value) => {
        this.skipped = true;
        return value;
      },
      notModified: () => {
        if (stale === undefined) throw new TypeError('notModified needs a stale value, and there is none');
        this.unchanged = true;
        return stale.value;
      },
    };
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.controller?.abort(reason);
  }
}
