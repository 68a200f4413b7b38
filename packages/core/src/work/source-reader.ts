/** An iterable of either kind, read one item at a time. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/** Where the items come from; hides whether reading one takes a promise. */
export class SourceReader<T> {
  private readonly iterator: Iterator<T, unknown, undefined> | AsyncIterator<T, unknown, undefined>;
  private isReading = false;
  private isEnded = false;

  constructor(source: Source<T>) {
    this.iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** Whether an item has been asked for and has not come yet. */
  get reading(): boolean {
    return this.isReading;
  }

  /** Whether the source has nothing more. */
  get ended(): boolean {
    return this.isEnded;
  }

  /**
   * Reads the next item. Calls back with the result, before it returns where the source is synchronous; the result is
   * `done` at the end.
   */
  read(got: (result: IteratorResult<T, unknown>) => void, failed: (error: unknown) => void): void {
    this.isReading = true;
    const done = (result: IteratorResult<T, unknown>): void => {
      this.isReading = false;
      if (result.done === true) this.isEnded = true;
      got(result);
    };
    const fail = (error: unknown): void => {
      this.isReading = false;
      this.isEnded = true;
      failed(error);
    };
    let result: IteratorResult<T, unknown> | Promise<IteratorResult<T, unknown>>;
    try {
      result = this.iterator.next();
    } catch (error) {
      fail(error);
      return;
    }
    if (result instanceof Promise) result.then(done, fail);
    else if ('then' in result) Promise.resolve(result).then(done, fail);
    else done(result);
  }

  /**
   * Tells the source that nothing more will be read, so that it can close what it holds. Resolves when it has; at once
   * while an item is outstanding, because a generator closes only after that item, which may never come.
   */
  async close(): Promise<void> {
    if (this.isEnded) return;
    this.isEnded = true;
    const closed = Promise.resolve(this.iterator.return?.());
    if (!this.isReading) {
      await closed;
      return;
    }
    closed.catch(() => undefined);
  }
}
