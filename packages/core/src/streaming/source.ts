/** What a stream can come from: anything that can be iterated asynchronously, or a web stream. */
export type StreamSource<T> = AsyncIterable<T> | ReadableStream<T>;

/** A source as it is read. */
export interface SourceReader<T> {
  next(): Promise<IteratorResult<T, unknown>>;
  /** Lets go of the source, without waiting for what it has to tidy up. */
  stop(reason: unknown): void;
}

/** @throws TypeError when it is no source. */
export function readerOf<T>(source: StreamSource<T>): SourceReader<T> {
  if (isWebStream(source)) return webReader(source);
  const iterator = (source as AsyncIterable<T> | undefined)?.[Symbol.asyncIterator]?.();
  if (iterator === undefined) throw new TypeError('what was opened is neither an async iterable nor a ReadableStream');
  return {
    next: () => iterator.next(),
    stop: () => {
      // A generator that hangs in `await` ends when that does; it was told by its signal.
      void swallowed(() => iterator.return?.());
      if (isNodeStream(source)) source.destroy();
    },
  };
}

/** Not every browser can iterate over a web stream; all can read it. */
function webReader<T>(stream: ReadableStream<T>): SourceReader<T> {
  const reader = stream.getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done, value };
    },
    stop: (reason) => void swallowed(() => reader.cancel(reason)),
  };
}

function isWebStream<T>(source: StreamSource<T>): source is ReadableStream<T> {
  return typeof (source as { readonly getReader?: unknown } | undefined)?.getReader === 'function';
}

/** A stream of Node hears of `return` only between two reads. */
function isNodeStream(source: object): source is { destroy(): void; pipe(): void } {
  const { destroy, pipe } = source as { readonly destroy?: unknown; readonly pipe?: unknown };
  return typeof destroy === 'function' && typeof pipe === 'function';
}

/** The stream has ended for its reader: what letting go of its source comes to is nobody's business any more. */
async function swallowed(release: () => unknown): Promise<void> {
  try {
    await release();
  } catch {
    return;
  }
}
