import { AbortSubscription } from '../policy/abort-subscription.ts';
import { BatchResultError } from './errors.ts';
import type { BatchAnswer, BatchFunction } from './batcher-options.ts';

/** One key of a batch, and those who wait for it. */
export class BatchEntry<Key, Value> {
  readonly key: Key;
  readonly weight: number;
  readonly promise: Promise<Value>;
  resolve!: (value: Value) => void;
  reject!: (error: unknown) => void;
  /** How many want it and may yet abort; Infinity when somebody wants it who can't. */
  wanted = 0;

  constructor(key: Key, weight: number) {
    this.key = key;
    this.weight = weight;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Where the results of a batch are written down. */
export interface BatchLedger<Key, Value> {
  readonly results: Map<Key, Value>;
  readonly errors: Map<Key, unknown>;
}

/** The keys that go together. */
export class Batch<Key, Value> {
  readonly entries: Map<unknown, BatchEntry<Key, Value>> = new Map();
  weight = 0;
  /** Resolves when every key has its result. */
  ended: Promise<void> | undefined = undefined;
  private readonly controller: AbortController = new AbortController();
  private unwanted = 0;

  add(identity: unknown, entry: BatchEntry<Key, Value>): void {
    this.entries.set(identity, entry);
    this.weight += entry.weight;
  }

  /** Somebody does not want a key any more. */
  release(identity: unknown, entry: BatchEntry<Key, Value>): void {
    if (--entry.wanted > 0) return;
    if (this.ended === undefined) {
      this.entries.delete(identity);
      this.weight -= entry.weight;
    } else if (++this.unwanted === this.entries.size) this.controller.abort();
  }

  /** Waits for `entry` as long as `signal` is not aborted. */
  waitFor(identity: unknown, entry: BatchEntry<Key, Value>, signal: AbortSignal): Promise<Value> {
    entry.wanted++;
    return new Promise((resolve, reject) => {
      const abort = new Withdrawal((reason) => {
        reject(reason);
        this.release(identity, entry);
      });
      abort.subscribe(signal);
      const settled = (): void => abort.unsubscribe(signal);
      entry.promise.then(
        (value) => (settled(), resolve(value)),
        (error: unknown) => (settled(), reject(error)),
      );
    });
  }

  /** Calls the batch function and gives every key its result. */
  go(name: string, fn: BatchFunction<Key, Value>, ledger: BatchLedger<Key, Value>): Promise<void> {
    this.ended = this.load(name, fn, ledger);
    return this.ended;
  }

  private async load(name: string, fn: BatchFunction<Key, Value>, ledger: BatchLedger<Key, Value>): Promise<void> {
    const entries = [...this.entries.values()];
    const keys = entries.map(({ key }) => key);
    let answer: BatchAnswer<Key, Value>;
    try {
      answer = await fn(keys, { signal: this.controller.signal });
      checkAnswer(name, answer, keys.length);
    } catch (error) {
      for (const entry of entries) fail(entry, error, ledger);
      return;
    }
    for (const [index, entry] of entries.entries()) {
      const found = isList(answer) ? answer[index] : this.lookUp(name, answer, entry.key);
      if (found instanceof Error) fail(entry, found, ledger);
      else {
        ledger.results.set(entry.key, found as Value);
        entry.resolve(found as Value);
      }
    }
  }

  private lookUp(name: string, answer: ReadonlyMap<Key, Value | Error>, key: Key): Value | Error | undefined {
    if (answer.has(key)) return answer.get(key);
    return new BatchResultError(name, 'the batch function gave no result for a key');
  }
}

class Withdrawal extends AbortSubscription {
  private readonly withdraw: (reason: unknown) => void;

  constructor(withdraw: (reason: unknown) => void) {
    super();
    this.withdraw = withdraw;
  }

  override onAbort(reason: unknown): void {
    this.withdraw(reason);
  }
}

function fail<Key, Value>(entry: BatchEntry<Key, Value>, error: unknown, ledger: BatchLedger<Key, Value>): void {
  ledger.errors.set(entry.key, error);
  entry.reject(error);
}

function isList<Key, Value>(answer: BatchAnswer<Key, Value>): answer is readonly (Value | Error)[] {
  return Array.isArray(answer);
}

function checkAnswer(name: string, answer: unknown, keys: number): void {
  if (answer instanceof Map) return;
  if (!Array.isArray(answer)) throw new BatchResultError(name, 'the batch function gave neither a list nor a Map');
  if (answer.length !== keys) {
    throw new BatchResultError(name, `the batch function gave ${answer.length} results for ${keys} keys`);
  }
}
