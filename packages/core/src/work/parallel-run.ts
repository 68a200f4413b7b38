import { isThenable } from '../pipeline/promises.ts';
import { CheckpointKeeper } from './checkpoint.ts';
import { type FailedItem, ItemsFailedError } from './errors.ts';
import type { MapperContext, ParallelRunOptions } from './parallel-map-options.ts';
import { type Place, ResultLine } from './result-line.ts';
import { type Source, SourceReader } from './source-reader.ts';

/** Failures that an ItemsFailedError keeps. */
const MOST_SAMPLES = 1_000;

/** One iteration of parallelMap; see there. */
export class ParallelRun<T, R> implements AsyncIterableIterator<Awaited<R>, undefined, undefined> {
  private readonly reader: SourceReader<T>;
  private readonly mapper: (item: T, context: MapperContext) => R;
  private readonly concurrency: number;
  private readonly readAhead: number;
  private readonly collect: boolean;
  private readonly signal: AbortSignal | undefined;
  private readonly controller: AbortController = new AbortController();
  private readonly results: ResultLine<Awaited<R>>;
  private readonly samples: FailedItem[] = [];
  private readonly keeper: CheckpointKeeper | undefined;
  private failed = 0;
  private index = 0;
  private running = 0;
  private filling = false;
  private begun = false;
  private phase: 'open' | 'ending' | 'ended' = 'open';
  private ending: Promise<void> | undefined = undefined;
  private idle: (() => void) | undefined = undefined;
  /** What the iteration still has to throw. */
  private error: { readonly thrown: unknown } | undefined = undefined;

  constructor(source: Source<T>, mapper: (item: T, context: MapperContext) => R, options: ParallelRunOptions) {
    this.reader = new SourceReader(source, this.got, this.sourceFailed);
    this.mapper = mapper;
    this.concurrency = options.concurrency;
    this.readAhead = options.readAhead ?? options.concurrency;
    this.collect = options.onError === 'collect';
    this.signal = options.signal;
    this.keeper =
      options.checkpoint === undefined
        ? undefined
        : new CheckpointKeeper(options.checkpoint, (error) => this.endWith(error));
    this.results = new ResultLine(options.order === 'input', this.keeper);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Awaited<R>, undefined>> {
    return new Promise((resolve, reject) => {
      this.keeper?.readerReturned();
      this.results.ask(resolve, reject);
      if (!this.begun) this.begin();
      this.advance();
    });
  }

  async return(): Promise<IteratorResult<Awaited<R>, undefined>> {
    this.begun = true;
    const endsNow = this.ending === undefined;
    await this.end(undefined);
    const error = this.error;
    // A source that fails to close is told to whoever closes it, as a loop over the source alone would.
    if (endsNow && error !== undefined) {
      this.error = undefined;
      throw error.thrown;
    }
    return { done: true, value: undefined };
  }

  private begin(): void {
    this.begun = true;
    if (this.signal === undefined) return;
    if (this.signal.aborted) this.onAbort();
    else this.signal.addEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    this.endWith(this.signal!.reason);
  };

  /** Hands out what is ready, starts what may start, and ends when nothing is left. */
  private advance(): void {
    if (this.phase === 'ended') this.close();
    if (this.phase !== 'open') return;
    this.results.handOut();
    this.fill();
    if (this.reader.ended && this.running === 0 && this.results.isEmpty && this.results.asking > 0) this.finish();
  }

  /** A synchronous source or mapper calls back while this runs; the loop goes on instead of going deeper. */
  private fill(): void {
    if (this.filling) return;
    this.filling = true;
    while (this.mayRead()) this.reader.read();
    this.filling = false;
  }

  private mayRead(): boolean {
    if (this.phase !== 'open' || this.reader.ended || this.reader.reading) return false;
    const { waiting, asking } = this.results;
    return this.running < this.concurrency && this.running + waiting < this.readAhead + asking;
  }

  private readonly got = (result: IteratorResult<T, unknown>): void => {
    if (this.phase !== 'open') return;
    if (result.done !== true) this.start(result.value);
    if (!this.filling) this.advance();
  };

  private readonly sourceFailed = (error: unknown): void => {
    this.endWith(error);
  };

  private start(item: T): void {
    const place = this.results.begin(this.index++);
    this.running++;
    let result: R;
    try {
      result = this.mapper(item, { index: place.index, signal: this.controller.signal });
      if (isThenable(result)) {
        const promise = result instanceof Promise ? result : Promise.resolve(result);
        promise.then(
          (value) => this.mapped(place, value as Awaited<R>),
          (error: unknown) => this.mapperFailed(place, error),
        );
        return;
      }
    } catch (error) {
      // The mapper's, or that of a thenable that can't be waited for: `await` would throw it too.
      this.mapperFailed(place, error);
      return;
    }
    this.mapped(place, result as Awaited<R>);
  }

  private mapped(place: Place<Awaited<R>>, value: Awaited<R>): void {
    this.results.finish(place, value);
    this.settled();
  }

  private mapperFailed(place: Place<Awaited<R>>, error: unknown): void {
    this.results.fail(place);
    this.failed++;
    if (this.samples.length < MOST_SAMPLES) this.samples.push({ index: place.index, error });
    if (this.collect && place.open !== undefined) this.keeper!.itemFailed(place.open);
    this.settled();
    if (!this.collect) this.endWith(error);
  }

  private settled(): void {
    this.running--;
    if (this.phase !== 'open') {
      if (this.running === 0) this.idle?.();
    } else if (this.filling) this.results.handOut();
    else if (this.collect || this.failed === 0) this.advance();
  }

  /** Everything has been mapped and taken. */
  private finish(): void {
    if (this.failed === 0) void this.end(undefined);
    else this.endWith(new ItemsFailedError(this.failed, this.samples));
  }

  private endWith(error: unknown): void {
    void this.end({ thrown: error });
  }

  /** Ends everything, once; the first reason counts. */
  private end(error: { readonly thrown: unknown } | undefined): Promise<void> {
    if (this.ending === undefined) {
      this.phase = 'ending';
      this.error = error;
      this.ending = this.windUp();
    }
    return this.ending;
  }

  private async windUp(): Promise<void> {
    this.signal?.removeEventListener('abort', this.onAbort);
    if (this.running > 0) {
      const idle = new Promise<void>((resolve) => (this.idle = resolve));
      this.controller.abort(this.error?.thrown);
      await idle;
    }
    // What ended the iteration is more telling than what a source or a checkpoint says when it is closed.
    await this.reader.close().catch((error: unknown) => (this.error ??= { thrown: error }));
    await this.keeper?.close().catch((error: unknown) => (this.error ??= { thrown: error }));
    this.phase = 'ended';
    this.close();
  }

  private close(): void {
    if (this.results.asking === 0) return;
    const error = this.error;
    this.error = undefined;
    this.results.close(error);
  }
}
