/**
 * Maps a source with several mappers at once, driven by who reads the results.
 *
 * Nothing happens before the first result is asked for. From then on mappers are started as long as fewer than
 * `concurrency` run, and as long as what runs or has finished fits into `readAhead` plus what is being asked for: so a
 * consumer that stops asking stops the mappers, and the mappers stop the source.
 *
 * However it ends (the source, an error, an abort, a `break`), it ends once and completely: the mappers' signal is
 * aborted, those in flight are awaited, and the source is closed.
 */
import { resolveOptions } from '../options/resolve.ts';
import { count, implementing, integer, oneOf, type Rules } from '../options/rules.ts';
import { type FailedItem, ItemsFailedError } from './errors.ts';
import { type Place, ResultLine } from './result-line.ts';
import { type Source, SourceReader } from './source-reader.ts';

/** What a mapper is told beside its item. */
export interface MapperContext {
  /** The position of the item in the source, from 0. */
  readonly index: number;
  /** Aborted when the result is no longer wanted; one signal for all mappers of a run. */
  readonly signal: AbortSignal;
}

/** Options of {@link parallelMap}. */
export interface ParallelMapOptions {
  /** How many mappers run at once at most: an integer of at least 1. */
  readonly concurrency: number;
  /** Whether results come in the order of the source (default) or as mappers finish. */
  readonly order?: 'input' | 'completion' | undefined;
  /**
   * How many results may be in the making or wait, beyond those that are being asked for: an integer of at least 0, or
   * Infinity; default: the concurrency. With 0 nothing runs that nobody has asked for. In input order, more of it keeps
   * mappers busy behind a slow item.
   */
  readonly readAhead?: number | undefined;
  /** Ends everything when aborted; the iteration throws its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What a mapper that fails does. `stop` (default): the others are aborted, and the iteration throws that error.
   * `collect`: the others go on, and the iteration throws an ItemsFailedError at its end.
   */
  readonly onError?: 'stop' | 'collect' | undefined;
}

const defaults: { readonly order: 'input'; readonly onError: 'stop' } = Object.freeze({
  order: 'input',
  onError: 'stop',
});

const rules: Rules<ParallelMapOptions> = {
  concurrency: integer(1),
  order: oneOf('input', 'completion'),
  readAhead: count(0),
  signal: implementing<AbortSignal>('an AbortSignal', 'addEventListener', 'removeEventListener'),
  onError: oneOf('stop', 'collect'),
};

/** Failures that an ItemsFailedError keeps. */
const MOST_SAMPLES = 1_000;

/**
 * Calls `mapper` for each item of `source`, at most `concurrency` at a time, and yields the results. Read it with
 * `for await`; leaving the loop early aborts what runs and closes the source.
 *
 * @param source Any iterable, synchronous or not; read one item at a time, and only when it is needed.
 * @param mapper Its result is awaited. It should end soon when its signal is aborted: the end of the iteration waits for it.
 * @throws ConfigurationError when the options can't be meant.
 */
export function parallelMap<T, R>(
  source: Source<T>,
  mapper: (item: T, context: MapperContext) => R,
  options: ParallelMapOptions,
): AsyncIterableIterator<Awaited<R>, undefined, undefined> {
  return new ParallelRun(source, mapper, options);
}

class ParallelRun<T, R> implements AsyncIterableIterator<Awaited<R>, undefined, undefined> {
  readonly #reader: SourceReader<T>;
  readonly #mapper: (item: T, context: MapperContext) => R;
  readonly #concurrency: number;
  readonly #readAhead: number;
  readonly #collect: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #controller: AbortController = new AbortController();
  readonly #results: ResultLine<Awaited<R>>;
  readonly #samples: FailedItem[] = [];
  #failed = 0;
  #index = 0;
  #running = 0;
  #filling = false;
  #begun = false;
  #phase: 'open' | 'ending' | 'ended' = 'open';
  #ending: Promise<void> | undefined = undefined;
  #idle: (() => void) | undefined = undefined;
  /** What the iteration still has to throw. */
  #error: { readonly thrown: unknown } | undefined = undefined;

  constructor(source: Source<T>, mapper: (item: T, context: MapperContext) => R, given: ParallelMapOptions) {
    const options = resolveOptions('parallelMap', given, defaults, rules, ['concurrency']);
    this.#reader = new SourceReader(source);
    this.#mapper = mapper;
    this.#concurrency = options.concurrency;
    this.#readAhead = options.readAhead ?? options.concurrency;
    this.#results = new ResultLine(options.order === 'input');
    this.#collect = options.onError === 'collect';
    this.#signal = options.signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Awaited<R>, undefined>> {
    return new Promise((resolve, reject) => {
      this.#results.ask(resolve, reject);
      if (!this.#begun) this.#begin();
      this.#advance();
    });
  }

  async return(): Promise<IteratorResult<Awaited<R>, undefined>> {
    this.#begun = true;
    const endsNow = this.#ending === undefined;
    await this.#end(undefined);
    const error = this.#error;
    // A source that fails to close is told to whoever closes it, as a loop over the source alone would.
    if (endsNow && error !== undefined) {
      this.#error = undefined;
      throw error.thrown;
    }
    return { done: true, value: undefined };
  }

  #begin(): void {
    this.#begun = true;
    if (this.#signal === undefined) return;
    if (this.#signal.aborted) this.#onAbort();
    else this.#signal.addEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    this.#endWith(this.#signal!.reason);
  };

  /** Hands out what is ready, starts what may start, and ends when nothing is left. */
  #advance(): void {
    if (this.#phase === 'ended') this.#close();
    if (this.#phase !== 'open') return;
    this.#results.handOut();
    this.#fill();
    if (this.#reader.ended && this.#running === 0 && this.#results.isEmpty && this.#results.asking > 0) this.#finish();
  }

  /** A synchronous source or mapper calls back while this runs; the loop goes on instead of going deeper. */
  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    while (this.#mayRead()) this.#reader.read(this.#got, this.#sourceFailed);
    this.#filling = false;
  }

  #mayRead(): boolean {
    if (this.#phase !== 'open' || this.#reader.ended || this.#reader.reading) return false;
    const { waiting, asking } = this.#results;
    return this.#running < this.#concurrency && this.#running + waiting < this.#readAhead + asking;
  }

  readonly #got = (result: IteratorResult<T, unknown>): void => {
    if (this.#phase !== 'open') return;
    if (result.done !== true) this.#start(result.value);
    if (!this.#filling) this.#advance();
  };

  readonly #sourceFailed = (error: unknown): void => {
    this.#endWith(error);
  };

  #start(item: T): void {
    const place = this.#results.begin(this.#index++);
    this.#running++;
    let result: R;
    try {
      result = this.#mapper(item, { index: place.index, signal: this.#controller.signal });
    } catch (error) {
      this.#mapperFailed(place, error);
      return;
    }
    if (!isThenable(result)) this.#mapped(place, result as Awaited<R>);
    else {
      Promise.resolve(result).then(
        (value) => this.#mapped(place, value),
        (error: unknown) => this.#mapperFailed(place, error),
      );
    }
  }

  #mapped(place: Place<Awaited<R>>, value: Awaited<R>): void {
    this.#results.finish(place, value);
    this.#settled();
  }

  #mapperFailed(place: Place<Awaited<R>>, error: unknown): void {
    this.#results.fail(place);
    this.#failed++;
    if (this.#samples.length < MOST_SAMPLES) this.#samples.push({ index: place.index, error });
    this.#settled();
    if (!this.#collect) this.#endWith(error);
  }

  #settled(): void {
    this.#running--;
    if (this.#phase !== 'open') {
      if (this.#running === 0) this.#idle?.();
    } else if (this.#filling) this.#results.handOut();
    else if (this.#collect || this.#failed === 0) this.#advance();
  }

  /** Everything has been mapped and taken. */
  #finish(): void {
    if (this.#failed === 0) void this.#end(undefined);
    else this.#endWith(new ItemsFailedError(this.#failed, this.#samples));
  }

  #endWith(error: unknown): void {
    void this.#end({ thrown: error });
  }

  /** Ends everything, once; the first reason counts. */
  #end(error: { readonly thrown: unknown } | undefined): Promise<void> {
    if (this.#ending === undefined) {
      this.#phase = 'ending';
      this.#error = error;
      this.#ending = this.#windUp();
    }
    return this.#ending;
  }

  async #windUp(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#running > 0) {
      const idle = new Promise<void>((resolve) => (this.#idle = resolve));
      this.#controller.abort(this.#error?.thrown);
      await idle;
    }
    try {
      await this.#reader.close();
    } catch (error) {
      // What ended the iteration is more telling than what a source says when it is closed.
      this.#error ??= { thrown: error };
    }
    this.#phase = 'ended';
    this.#close();
  }

  #close(): void {
    if (this.#results.asking === 0) return;
    const error = this.#error;
    this.#error = undefined;
    this.#results.close(error);
  }
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}
