import { captureSettle, lastSettle, resolution, type Settle } from '../pipeline/promises.ts';
import { AbortSubscription } from '../policy/abort-subscription.ts';
import { type Failure, failure } from '../policy/outcome.ts';
import { ListNode } from '../structures/intrusive-list.ts';
import type { BatchStory } from './batch-story.ts';
import { BatchResultError } from './errors.ts';
import type { BatchAnswer, BatchContext, BatchFunction } from './batcher-options.ts';

/** One key of a batch, and those who wait for it. */
export class BatchEntry<Key, Value> {
  readonly key: Key;
  readonly weight: number;
  /** As how many-eth it joined the batch, from 0. */
  readonly place: number;
  readonly promise: Promise<Value>;
  /** How many want it and may yet abort; Infinity when somebody wants it who can't. */
  wanted = 0;

  constructor(key: Key, weight: number, place: number, promise: Promise<Value>) {
    this.key = key;
    this.weight = weight;
    this.place = place;
    this.promise = promise;
  }
}

/**
 * The keys that go together. The promises of its entries follow one promise of the batch through one function, which
 * runs once for each of them in the order in which they joined: so a key costs no pair of functions to settle it by.
 */
export class Batch<Key, Value> extends ListNode implements BatchContext {
  readonly entries: Map<unknown, BatchEntry<Key, Value>> = new Map();
  weight = 0;
  /** How many keys failed; known when it has ended, since all of them have been told by then. */
  failed = 0;
  /** What failed the whole batch. */
  failure: Failure | undefined = undefined;
  /** What is told of it; undefined when nobody listens. */
  readonly story: BatchStory | undefined;
  /** Resolves when every key has its result. */
  ended: Promise<void> | undefined = undefined;
  private readonly answered: Promise<unknown>;
  private readonly settle: Settle;
  private readonly nextResult: () => unknown;
  /** By the place of their entries; those who left before the batch went have none. */
  private results: readonly (Value | Error | undefined)[] = [];
  private joined = 0;
  private told = 0;
  private controller: AbortController | undefined = undefined;
  private unwanted = 0;
  private gone = false;

  constructor(story: BatchStory | undefined) {
    super();
    this.story = story;
    this.answered = new Promise(captureSettle);
    this.settle = lastSettle();
    this.nextResult = () => {
      const result = this.results[this.told++];
      if (!(result instanceof Error)) return result;
      this.failed++;
      return resolution(failure(result), false);
    };
  }

  /** Aborted when nobody wants anything of it; made when it is first read. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.isUnwanted) this.controller.abort();
    }
    return this.controller.signal;
  }

  add(identity: unknown, key: Key, weight: number): BatchEntry<Key, Value> {
    const promise = this.answered.then(this.nextResult) as Promise<Value>;
    const entry = new BatchEntry(key, weight, this.joined++, promise);
    this.entries.set(identity, entry);
    this.weight += weight;
    return entry;
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

  /** Tells what came of each key, when it has ended. */
  reportTo(results: Map<Key, Value>, errors: Map<Key, unknown>): void {
    for (const { key, place } of this.entries.values()) {
      const result = this.results[place];
      if (this.failure !== undefined) errors.set(key, this.failure.error);
      else if (result instanceof Error) errors.set(key, result);
      else results.set(key, result as Value);
    }
  }

  private get isUnwanted(): boolean {
    return this.unwanted > 0 && this.unwanted === this.entries.size;
  }

  private async load(name: string, fn: BatchFunction<Key, Value>): Promise<void> {
    const keys: Key[] = [];
    for (const { key } of this.entries.values()) keys.push(key);
    try {
      const answer = await (this.story === undefined ? fn(keys, this) : this.story.run(() => fn(keys, this)));
      checkAnswer(name, answer, keys.length);
      this.results = this.byPlace(name, answer);
      this.settle(undefined);
    } catch (error) {
      this.failed = this.entries.size;
      this.failure = failure(error);
      this.settle(resolution(this.failure, false));
    }
  }

  /** A copy: who gave the list may use it for something else before everybody has been told. */
  private byPlace(name: string, answer: BatchAnswer<Key, Value>): (Value | Error | undefined)[] {
    if (isList(answer) && this.joined === this.entries.size) return answer.slice();
    const results: (Value | Error | undefined)[] = [];
    let index = 0;
    for (const { key, place } of this.entries.values()) {
      results[place] = isList(answer) ? answer[index++] : lookUp(name, answer, key);
    }
    return results;
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

function lookUp<Key, Value>(
  name: string,
  answer: ReadonlyMap<Key, Value | Error>,
  key: Key,
): Value | Error | undefined {
  if (answer.has(key)) return answer.get(key);
  return new BatchResultError(name, 'the batch function gave no result for a key');
}

function checkAnswer(name: string, answer: unknown, keys: number): void {
  if (answer instanceof Map) return;
  if (!Array.isArray(answer)) throw new BatchResultError(name, 'the batch function gave neither a list nor a Map');
  if (answer.length !== keys) {
    throw new BatchResultError(name, `the batch function gave ${answer.length} results for ${keys} keys`);
  }
}
