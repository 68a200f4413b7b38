import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { OpenCall, type Opener, type Opening, type StreamPipeline } from './open-call.ts';
import { type ExecuteStreamOptions, type ResolvedStreamOptions, resolveStreamOptions } from './options.ts';
import { type OpenSource, type ResilientStream, StreamOfRun } from './resilient-stream.ts';

/**
 * Opens a stream under the policies of a pipeline, which hold for its whole life: a permit is held, a breaker waits for
 * its verdict, a timeout runs, until the last chunk has been read.
 *
 * Resolves when the first chunk is there; until then every failure is an attempt's and may be retried. From then on a
 * failure ends the stream: its reader gets the error, and so do the policies. The caller's abort and the end of the
 * call's time reach a reader at once, whatever the source does.
 *
 * @param open Opens the stream. The signal of its context is aborted when the stream is no longer wanted.
 * @returns The stream, or what a fallback of the pipeline has instead.
 * @throws ConfigurationError when the options can't be meant.
 */
export function executeStream<T, Adds = never>(
  pipeline: StreamPipeline<Adds>,
  open: OpenSource<T>,
  options?: ExecuteStreamOptions,
): Promise<ResilientStream<T> | Adds> {
  const resolved = resolveStreamOptions(options);
  const opener = new StreamOpener(open, pipeline.boundClock ?? systemClock, resolved);
  return new OpenCall(pipeline, opener, callOptions(resolved)).result;
}

class StreamOpener<T> implements Opener<ResilientStream<T>> {
  private readonly source: OpenSource<T>;
  private readonly clock: Clock;
  private readonly options: ResolvedStreamOptions;

  constructor(source: OpenSource<T>, clock: Clock, options: ResolvedStreamOptions) {
    this.source = source;
    this.clock = clock;
    this.options = options;
  }

  open(context: ExecutionContext, opening: Opening<ResilientStream<T>>): void {
    const stream = new StreamOfRun<T>(context, this.clock, this.options);
    stream.begin(this.source).then(
      () => opening.opened(stream),
      (error: unknown) => opening.failed(error),
    );
  }

  failed(error: unknown): never {
    throw error;
  }
}

function callOptions(options: ResolvedStreamOptions): CallOptions {
  const { firstChunkTimeoutMs: _first, idleTimeoutMs: _idle, unreadTimeoutMs: _unread, ...call } = options;
  return call;
}
