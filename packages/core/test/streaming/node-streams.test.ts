import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { constant, pipeline, retry } from 'breakwater';
import { executeStream } from 'breakwater/streaming';
import { expect, it } from 'vitest';

/** A stream of Node with one chunk, that then falls silent. */
function silent(): PassThrough {
  const stream = new PassThrough({ objectMode: true });
  stream.write('first');
  return stream;
}

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

it('gives the chunks of a stream of Node', async () => {
  const stream = await executeStream<string>(pipeline(), () => Readable.from(['a', 'b']));
  const chunks: string[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks).toEqual(['a', 'b']);
});

it('destroys a stream of Node that is silent when its reader is told why nothing comes, without an error of its own', async () => {
  const controller = new AbortController();
  const source = silent();
  const stream = await executeStream<unknown>(pipeline(), () => source, { signal: controller.signal });
  await stream.next();
  const read = failing(stream.next());
  const closed = once(source, 'close');
  controller.abort('enough');
  expect(await read).toBe('enough');
  await closed;
  expect([source.destroyed, source.errored]).toEqual([true, null]);
});

it('destroys the streams of Node of attempts whose first chunk did not come in time', async () => {
  const sources: PassThrough[] = [];
  const open = (): PassThrough => {
    const source = new PassThrough();
    sources.push(source);
    return source;
  };
  const calls = pipeline(retry({ maxAttempts: 2, backoff: constant(0) }));
  const error = await failing(executeStream<unknown>(calls, open, { firstChunkTimeoutMs: 10 }));
  expect(error).toMatchObject({ code: 'STREAM_FIRST_CHUNK_TIMEOUT' });
  expect(sources.map(({ destroyed }) => destroyed)).toEqual([true, true]);
});
