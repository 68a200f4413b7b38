import { describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/index.ts';
import { circuitBreaker } from '../circuit-breaker/index.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { fallback } from '../fallback/index.ts';
import { pipeline } from '../pipeline/index.ts';
import type { ExecutionContext } from '../policy/context.ts';
import { constant, retry } from '../retry/index.ts';
import { countedController } from '../testing/test-support/counted-signal.ts';
import { timeout } from '../timeout/index.ts';
import { executeStream, type ResilientStream, type StreamSource } from './index.ts';

/** A source that gives chunks when it is told to, and notes what happened to it. */
class ControlledSource implements AsyncIterableIterator<string> {
  readonly #waiting: PromiseWithResolvers<IteratorResult<string>>[] = [];
  readonly #ready: IteratorResult<string>[] = [];
  reads = 0;
  returned = 0;
  signal: AbortSignal | undefined = undefined;

  readonly open = ({ signal }: ExecutionContext): this => {
    this.signal = signal;
    return this;
  };

  next(): Promise<IteratorResult<string>> {
    this.reads++;
    const ready = this.#ready.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    const waiting = deferred<IteratorResult<string>>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  return(): Promise<IteratorResult<string>> {
    this.returned++;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  send(value: string): void {
    this.#give({ done: false, value });
  }

  end(): void {
    this.#give({ done: true, value: undefined });
  }

  break(error: unknown): void {
    this.#waiting.shift()!.reject(error);
  }

  #give(result: IteratorResult<string>): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#ready.push(result);
    else waiting.resolve(result);
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

async function* chunks(...values: readonly string[]): AsyncGenerator<string> {
  yield* values;
}

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

async function readAll<T>(stream: ResilientStream<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const chunk of stream) all.push(chunk);
  return all;
}

describe('executeStream', () => {
  it('gives the chunks of its source, in order, once', async () => {
    const call = pipeline();
    const stream = await executeStream(call, () => chunks('a', 'b', 'c'));
    expect(await readAll(stream)).toEqual(['a', 'b', 'c']);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await call.close()).toBe(0);
  });

  it('takes a web stream, and a promise of a source', async () => {
    const web = new ReadableStream<string>({
      start: (controller) => {
        controller.enqueue('a');
        controller.enqueue('b');
        controller.close();
      },
    });
    expect(await readAll(await executeStream(pipeline(), () => web))).toEqual(['a', 'b']);
    expect(await readAll(await executeStream(pipeline(), async () => chunks('c')))).toEqual(['c']);
    const stray = executeStream(pipeline(), () => 'no source' as unknown as StreamSource<string>);
    expect(await failing(stray)).toBeInstanceOf(TypeError);
  });

  it('gives an empty stream as one, and ends its call at once', async () => {
    const call = pipeline(bulkhead({ maxConcurrent: 1 }));
    const stream = await executeStream(call, () => chunks());
    expect(await call.close()).toBe(0);
    expect(await readAll(stream)).toEqual([]);
  });

  it('holds its permit until the last chunk has been read', async () => {
    const permits = bulkhead({ maxConcurrent: 1 });
    const source = new ControlledSource();
    source.send('a');
    const stream = await executeStream(pipeline(permits), source.open);
    expect(permits.running).toBe(1);
    expect(await stream.next()).toEqual({ done: false, value: 'a' });
    source.send('b');
    expect(await stream.next()).toEqual({ done: false, value: 'b' });
    expect(permits.running).toBe(1);
    source.end();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await settle();
    expect(permits.running).toBe(0);
  });

  it('gives its permit back when the reader has had enough, lets go of the source, and counts as a success', async () => {
    const permits = bulkhead({ maxConcurrent: 1 });
    const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 1 });
    const source = new ControlledSource();
    source.send('a');
    for await (const chunk of await executeStream(pipeline(breaker, permits), source.open)) {
      expect(chunk).toBe('a');
      break;
    }
    await settle();
    expect([permits.running, breaker.throughput, breaker.failureRatio]).toEqual([0, 1, 0]);
    expect([source.returned, source.signal!.aborted]).toEqual([1, true]);
  });

  it('ends a read that waits when the reader closes the stream meanwhile', async () => {
    const source = new ControlledSource();
    source.send('a');
    const stream = await executeStream(pipeline(), source.open);
    await stream.next();
    const waiting = stream.next();
    await stream.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it('reads on demand: the first chunk ahead, the others when they are asked for', async () => {
    const source = new ControlledSource();
    for (const chunk of ['a', 'b', 'c']) source.send(chunk);
    const stream = await executeStream(pipeline(), source.open);
    await settle();
    expect(source.reads).toBe(1);
    await stream.next();
    await settle();
    expect(source.reads).toBe(1);
    expect(await Promise.all([stream.next(), stream.next()])).toEqual([
      { done: false, value: 'b' },
      { done: false, value: 'c' },
    ]);
    expect(source.reads).toBe(3);
    await stream.return();
  });

  it('retries what fails before the first chunk: opening, and the first read', async () => {
    const clock = new VirtualClock();
    let attempts = 0;
    const call = pipeline({ clock }, retry({ maxAttempts: 3, backoff: constant(100), jitter: 'none' }));
    const opened = executeStream(call, () => {
      attempts++;
      if (attempts === 1) throw new Error('can not open');
      if (attempts === 2) return broken();
      return chunks('third');
    });
    await clock.advance(1_000);
    expect(await readAll(await opened)).toEqual(['third']);
    expect(attempts).toBe(3);
  });

  it('retries nothing after the first chunk: the reader and the breaker get the error, once', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 1 });
    const source = new ControlledSource();
    source.send('a');
    let attempts = 0;
    const call = pipeline({ clock }, retry({ maxAttempts: 5, backoff: constant(60_000) }), breaker);
    const stream = await executeStream(call, (context) => (attempts++, source.open(context)));
    await stream.next();
    const reading = failing(stream.next());
    source.break(new Error('the model stopped'));
    expect(await reading).toMatchObject({ message: 'the model stopped' });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(breaker.state).toBe('open');
    expect(await call.close()).toBe(0);
    expect([attempts, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('limits the time to the first chunk, each attempt by itself', async () => {
    const clock = new VirtualClock();
    const signals: AbortSignal[] = [];
    const call = pipeline({ clock }, retry({ maxAttempts: 2, backoff: constant(0) }));
    const opened = executeStream(
      call,
      ({ signal }) => {
        signals.push(signal);
        return signals.length === 1 ? new Promise<StreamSource<string>>(() => undefined) : chunks('in time');
      },
      { firstChunkTimeoutMs: 1_000 },
    );
    await clock.advance(1_000);
    expect(await readAll(await opened)).toEqual(['in time']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals[0]!.reason).toMatchObject({ code: 'STREAM_FIRST_CHUNK_TIMEOUT', category: 'timeout' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('limits the silence between chunks, but only while somebody waits for one', async () => {
    const clock = new VirtualClock();
    const source = new ControlledSource();
    source.send('a');
    const stream = await executeStream(pipeline({ clock }), source.open, { idleTimeoutMs: 500 });
    await clock.advance(10_000);
    await stream.next();
    const slow = stream.next();
    await clock.advance(499);
    source.send('b');
    expect(await slow).toEqual({ done: false, value: 'b' });
    const silent = failing(stream.next());
    await clock.advance(500);
    expect(await silent).toMatchObject({ code: 'STREAM_IDLE_TIMEOUT', message: /silent for 500 ms/ });
    expect([source.returned, source.signal!.aborted, clock.pendingTimers]).toEqual([1, true, 0]);
  });

  it('breaks off a stream that nobody reads, so that its permit returns', async () => {
    const clock = new VirtualClock();
    const permits = bulkhead({ maxConcurrent: 1 });
    const source = new ControlledSource();
    source.send('a');
    const stream = await executeStream(pipeline({ clock }, permits), source.open);
    await clock.advance(299_999);
    expect(permits.running).toBe(1);
    await clock.advance(1);
    expect([permits.running, source.returned]).toEqual([0, 1]);
    expect(await failing(stream.next())).toMatchObject({ code: 'STREAM_UNREAD_TIMEOUT' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends at once when the caller aborts: before the first chunk, and during a read that hangs', async () => {
    const clock = new VirtualClock();
    for (const begun of [false, true]) {
      const controller = new AbortController();
      const source = new ControlledSource();
      if (begun) source.send('a');
      const call = pipeline({ clock }, retry({ maxAttempts: 5 }));
      const opened = executeStream(call, source.open, { signal: controller.signal });
      const outcome = begun ? opened.then(async (stream) => (await stream.next(), stream.next())) : opened;
      const error = failing(outcome);
      await settle();
      controller.abort('enough');
      expect(await error).toBe('enough');
      expect(source.signal!.reason).toBe('enough');
      expect(await call.close()).toBe(0);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with the time of the whole call, also while nobody reads; the breaker counts it', async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ failureRatio: 1, minThroughput: 1 });
    const source = new ControlledSource();
    source.send('a');
    const call = pipeline({ clock }, retry(), breaker, timeout({ timeoutMs: 1_000 }));
    const stream = await executeStream(call, source.open);
    await clock.advance(1_000);
    expect(breaker.state).toBe('open');
    expect(await failing(stream.next())).toMatchObject({ code: 'TIMEOUT' });
    expect([call.busy, clock.pendingTimers, source.returned]).toEqual([0, 0, 1]);
  });

  it('gives what a fallback has instead of a stream that can not be opened', async () => {
    const call = pipeline(fallback({ value: 'no stream' }));
    const stream: ResilientStream<string> | 'no stream' = await executeStream(call, () => broken());
    expect(stream).toBe('no stream');
  });

  it('lets go of a stream that comes when another one has been handed out', async () => {
    const [slow, quick] = [new ControlledSource(), new ControlledSource()];
    const sources = [slow, quick];
    const hedging = pipeline({
      kind: 'two-at-once',
      around: (_context, next) => Promise.any([next(), next()]),
    });
    const opened = executeStream(hedging, (context) => sources.shift()!.open(context));
    quick.send('quick');
    const stream = await opened;
    slow.send('slow');
    await settle();
    expect(slow.returned).toBe(1);
    quick.end();
    expect(await readAll(stream)).toEqual(['quick']);
    expect(await hedging.close()).toBe(0);
  });

  it('runs inside another call: its deadline, key and end are inherited', async () => {
    const clock = new VirtualClock();
    const outer = pipeline({ clock }, timeout({ timeoutMs: 1_000 }));
    const inner = pipeline({ clock });
    const source = new ControlledSource();
    let seen: readonly unknown[] = [];
    const error = failing(
      outer.execute(
        async (parent) => {
          const opened = executeStream(
            inner,
            (context) => {
              seen = [context.key, context.priority, context.remainingMs];
              return source.open(context);
            },
            { parent },
          );
          return readAll(await opened);
        },
        { key: 'tenant', priority: 'high' },
      ),
    );
    await clock.advance(1_000);
    expect(await error).toMatchObject({ code: 'TIMEOUT' });
    expect(seen).toEqual(['tenant', 'high', 1_000]);
    expect([inner.busy, source.signal!.aborted, clock.pendingTimers]).toEqual([0, true, 0]);
  });

  it('opens nothing for long in a run that is aborted already, whoever runs it', async () => {
    const source = new ControlledSource();
    const context = {
      signal: AbortSignal.abort('too late'),
      attempt: 1,
      pipeline: undefined,
      key: undefined,
      priority: 'normal',
      remainingMs: 0,
    } as const;
    const foreign = { execute: async <R>(fn: (given: ExecutionContext) => R) => fn(context) };
    expect(await failing(executeStream(foreign, source.open))).toBe('too late');
    expect([source.returned, source.reads]).toEqual([1, 0]);
  });

  it('follows the signal of a run that another library made, and lets go of it at the end', async () => {
    const counted = countedController();
    const source = new ControlledSource();
    let run!: ExecutionContext;
    const context = {
      signal: counted.signal,
      attempt: 1,
      pipeline: undefined,
      key: undefined,
      priority: 'normal',
      remainingMs: 700,
    } as const;
    const foreign = {
      execute: async <R>(fn: (given: ExecutionContext) => R): Promise<Awaited<R>> => await fn(context),
    };
    const stream = executeStream(foreign, (given) => {
      run = given;
      return source.open(given);
    });
    await settle();
    expect([run.remainingMs, run.signal.aborted, counted.listening]).toEqual([700, false, 1]);
    counted.controller.abort('gone');
    expect(await failing(stream)).toBe('gone');
    expect([run.remainingMs, run.signal.reason, counted.listening]).toEqual([0, 'gone', 0]);
  });

  it('refuses options that can not be meant', () => {
    expect(() => executeStream(pipeline(), () => chunks(), { idleTimeoutMs: 0 })).toThrow(/idleTimeoutMs/);
    expect(() => executeStream(pipeline(), () => chunks(), { idleTimeout: 1 } as never)).toThrow(/idleTimeoutMs\?/);
  });
});

// eslint-disable-next-line require-yield
async function* broken(): AsyncGenerator<string> {
  throw new Error('breaks before its first chunk');
}

/** Lets every promise settle that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
