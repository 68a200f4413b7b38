/** An iterable of either kind, read one item at a time. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/** Where the items come from; hides whether reading one takes a promise. */
export class SourceReader<T> {
  private readonly iterator: Iterator<T, unknown, undefined> | AsyncIterator<T, unknown, undefined>;
  private readonly onItem: (result: IteratorResult<T, unknown>) => void;
  private readonly onFailure: (error: unknown) => void;
  private isReading = false;
  private isEnded = false;

  /**
   * @param onItem Called with what a read has found; the result is `done` at the end.
   * @param onFailure Called with what the source has thrown; it has ended then.
   */
  constructor(
    source: Source<T>,
    onItem: (result: IteratorResult<T, unknown>) => void,
    onFailure: (error: unknown) => void,
  ) {
    this.iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.onItem = onItem;
    this.onFailure = onFailure;
  }

  /** Whether an item has been asked for and has not come yet. */
  get reading(): boolean {
    return this.isReading;
  }

  /** Whether the source has nothing more. */
  get ended(): boolean {
    return this.isEnded;
  }

  /** Reads the next item. Calls back before it returns where the source is synchronous. */
  read(): void {
    this.isReading = true;
    let result: IteratorResult<T, unknown> | Promise<IteratorResult<T, unknown>>;
    try {
      result = this.iterator.next();
    } catch (error) {
      this.failed(error);
      return;
    }
    if (result instanceof Promise) result.then(this.got, this.failed);
    else if ('then' in result) Promise.resolve(result).then(this.got, this.failed);
    else this.got(result);
  }

  private readonly got = (result: IteratorResult<T, unknown>): void => {
    this.isReading = false;
    if (result.done === true) this.isEnded = true;
    this.onItem(result);
  };

  private readonly failed = (error: unknown): void => {
    this.isReading = false;
    this.isEnded = true;
    this.onFailure(error);
  };

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
