import type { CacheEntry } from './cache-entry.ts';

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

  context(stale: CacheEntry<Value> | undefined, now: number): LoaderContext<Value> {
    return new LoadContext(this, stale, now);
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

/** The context of one load. A class: an object literal with a getter costs several times as much, at each load. */
class LoadContext<Value> implements LoaderContext<Value> {
  readonly stale: StaleValue<Value> | undefined;
  readonly describe: (options: LoadedValueOptions) => void;
  readonly skip: (value: Value) => Value;
  readonly notModified: () => Value;
  private readonly answer: LoadAnswer<Value>;

  constructor(answer: LoadAnswer<Value>, stale: CacheEntry<Value> | undefined, now: number) {
    this.answer = answer;
    this.stale =
      stale === undefined ? undefined : { value: stale.value, etag: stale.etag, ageMs: now - stale.createdAt };
    this.describe = (options) => {
      answer.options = { ...answer.options, ...options };
    };
    this.skip = (value) => {
      answer.skipped = true;
      return value;
    };
    this.notModified = () => {
      if (stale === undefined) throw new TypeError('notModified needs a stale value, and there is none');
      answer.unchanged = true;
      return stale.value;
    };
  }

  /** Made when it is read. */
  get signal(): AbortSignal {
    return this.answer.signal;
  }
}
