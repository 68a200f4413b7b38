/**
 * Many keys at once: what is missing is loaded in one call. Every key still has its own flight, so that a key which
 * somebody else is loading is not loaded again, and an invalidation meets one key and not the batch.
 */
import type { CacheKey } from './cache-key.ts';
import type { Loader } from './loader.ts';
import type { GetOptions } from './options.ts';

/** What a loader of many keys answers: values in the order of its keys, or by key. What is missing has no value. */
export type ManyValues<Key, Value> = readonly (Value | undefined)[] | ReadonlyMap<Key, Value>;

/** Gets the values of many keys from where they come from. */
export type ManyLoader<Value, Key> = (
  keys: readonly Key[],
  context: { readonly signal: AbortSignal },
) => ManyValues<Key, Value> | PromiseLike<ManyValues<Key, Value>>;

/** What of a cache is needed to load one key. */
export interface KeyLoading<Value> {
  getOrLoad<Key extends CacheKey>(key: Key, loader: Loader<Value, Key>, options?: GetOptions): Promise<Value>;
  isLoading(key: CacheKey): boolean;
}

interface Asked<Value, Key> {
  readonly key: Key;
  readonly resolve: (value: Value | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects the keys whose loaders were started, until it is known of every key whether it needs one. */
class Batch<Value, Key extends CacheKey> {
  private readonly loader: ManyLoader<Value, Key>;
  private readonly asked: Asked<Value, Key>[] = [];
  private readonly controller: AbortController = new AbortController();
  private undecided: number;
  private aborted = 0;

  constructor(loader: ManyLoader<Value, Key>, keys: number) {
    this.loader = loader;
    this.undecided = keys;
  }

  /** The loader of one key. */
  load(key: Key, signal: AbortSignal): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      this.asked.push({ key, resolve, reject });
      signal.addEventListener('abort', () => this.abort(signal.reason), { once: true });
      this.decided();
    });
  }

  /** It is known of one more key whether it is loaded here. */
  decided(): void {
    if (--this.undecided === 0 && this.asked.length > 0) void this.run();
  }

  private abort(reason: unknown): void {
    if (++this.aborted === this.asked.length) this.controller.abort(reason);
  }

  private async run(): Promise<void> {
    const { asked } = this;
    try {
      const keys = asked.map(({ key }) => key);
      const values = await this.loader(keys, { signal: this.controller.signal });
      for (const [at, { key, resolve }] of asked.entries()) {
        resolve(isByKey<Key, Value>(values) ? values.get(key) : values[at]);
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

function isByKey<Key, Value>(values: ManyValues<Key, Value>): values is ReadonlyMap<Key, Value> {
  return typeof (values as ReadonlyMap<Key, Value>).get === 'function';
}

/** The values of `keys`, in their order; those that are missing are loaded together. */
export function getOrLoadMany<Value, Key extends CacheKey>(
  cache: KeyLoading<Value>,
  keys: readonly Key[],
  loader: ManyLoader<Value, Key>,
  options: GetOptions | undefined,
): Promise<(Value | undefined)[]> {
  const batch = new Batch<Value, Key>(loader, keys.length);
  const answers = keys.map((key) => {
    let isDecided = false;
    const decide = (): void => {
      if (isDecided) return;
      isDecided = true;
      batch.decided();
    };
    const isShared = cache.isLoading(key);
    const answer = cache.getOrLoad(
      key,
      (_key: Key, { signal }) => {
        // Loaded after all, when the batch may have gone: a batch of its own.
        const own = isDecided ? new Batch<Value, Key>(loader, 1) : batch;
        isDecided = true;
        return own.load(key, signal) as Promise<Value>;
      },
      options,
    );
    if (isShared) decide();
    else void answer.then(decide, decide);
    return answer;
  });
  return Promise.all(answers);
}
