import { captureSettle, lastSettle, resolution, type Settle } from '../pipeline/promises.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import { failure } from '../policy/outcome.ts';
import { ListNode } from '../structures/intrusive-list.ts';
import { BatchResultError } from './errors.ts';
import type { BatchAnswer, BatchContext, BatchFunction } from './batcher-options.ts';

/** One key of a batch, and those who wait for it. */
export class BatchEntry<Key, Value> {
  readonly key: Key;
  readonly weight: number;
  readonly promise: Promise<Value>;
  /** How many want it and may yet abort; Infinity when somebody wants it who can't. */
  wanted = 0;
  /** What came of it, for whoever flushes. */
  state: 'open' | 'loaded' | 'failed' = 'open';
  result: unknown = undefined;
  private readonly settle: Settle;

  constructor(key: Key, weight: number) {
    this.key = key;
    this.weight = weight;
    this.promise = new Promise<unknown>(captureSettle) as Promise<Value>;
    this.settle = lastSettle();
  }

  resolve(value: Value): void {
    this.state = 'loaded';
    this.result = value;
    this.settle(value);
  }

  reject(error: unknown): void {
    this.state = 'failed';
    this.result = error;
    this.settle(resolution(failure(error), false));
  }
}

/** The keys that go together. */
export class Batch<Key, Value> extends ListNode implements BatchContext {
  readonly entries: Map<unknown, BatchEntry<Key, Value>> = new Map();
  weight = 0;
  /** How many keys failed. */
  failed = 0;
  /** Resolves when every key has its result. */
  ended: Promise<void> | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private unwanted = 0;
  private gone = false;

  /** Aborted when nobody wants anything of it; made when it is first read. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.isUnwanted) this.controller.abort();
    }
    return this.controller.signal;
  }

  add(identity: unknown, entry: BatchEntry<Key, Value>): void {
    this.entries.set(identity, entry);
    this.weight += entry.weight;
  }

  /** Somebody does not want a key any more. */
  release(identity: unknown, entry: BatchEntry<Key, Value>): void {
    if (--entry.wanted > 0) return;
    if (!this.gone) {
      this.entries.delete(identity);
      this.weight -= entry.weight;
      return;
    }
    this.unwanted++;
    if (this.isUnwanted) this.controller?.abort();
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
  go(name: string, fn: BatchFunction<Key, Value>): Promise<void> {
    this.gone = true;
    this.ended = this.load(name, fn);
    return this.ended;
  }

  private get isUnwanted(): boolean {
    return this.unwanted > 0 && this.unwanted === this.entries.size;
  }

  private async load(name: string, fn: BatchFunction<Key, Value>): Promise<void> {
    // No key comes or goes any more: what is iterated now is iterated again when the answer is there.
    const keys: Key[] = [];
    for (const { key } of this.entries.values()) keys.push(key);
    let answer: BatchAnswer<Key, Value>;
    try {
      answer = await fn(keys, this);
      checkAnswer(name, answer, keys.length);
    } catch (error) {
      for (const entry of this.entries.values()) this.fail(entry, error);
      return;
    }
    const list = isList(answer) ? answer : undefined;
    let index = 0;
    for (const entry of this.entries.values()) {
      const found = list === undefined ? this.lookUp(name, answer as ReadonlyMap<Key, Value | Error>, entry.key) : list[index++];
      if (found instanceof Error) this.fail(entry, found);
      else entry.resolve(found as Value);
    }
  }

  private lookUp(name: string, answer: ReadonlyMap<Key, Value | Error>, key: Key): Value | Error | undefined {
    if (answer.has(key)) return answer.get(key);
    return new BatchResultError(name, 'the batch function gave no result for a key');
  }

  private fail(entry: BatchEntry<Key, Value>, error: unknown): void {
    this.failed++;
    entry.reject(error);
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
