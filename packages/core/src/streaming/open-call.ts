/**
 * A call whose result leaves it while it goes on.
 *
 * A stream is there before it has been read, but the work ends with its last chunk: until then a connection is in use,
 * a model computes, and the upstream can fall silent. So the call of the pipeline lasts as long as its stream, and holds
 * permits and probes for it, while the stream itself leaves by a side door as soon as it is there. From then on the
 * caller has it, and nothing may be tried again: a failure breaks the stream off, the policies see it, the call ends.
 */
import type { Clock } from '../clock/clock.ts';
import { atTurnEnd } from '../clock/turn-end.ts';
import { Attempt } from '../pipeline/attempt.ts';
import { captureSettle, lastSettle, resolution, type Settle } from '../pipeline/promises.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { failure } from '../policy/outcome.ts';
import { isAborted } from './run-listener.ts';
import type { End, EndListener, StreamEnd } from './stream-end.ts';

/** What is needed of a pipeline. */
export interface StreamPipeline<Adds = never> {
  execute<T>(fn: (context: ExecutionContext) => T, options?: CallOptions): Promise<Awaited<T> | Adds>;
  readonly boundClock?: Clock | undefined;
  /** For the compiler only: what the pipeline can add to the results of a call. */
  readonly '~types'?: { readonly adds: Adds } | undefined;
}

/** What a run has opened. */
export interface Opened<T> {
  readonly value: T;
  /** When it has been used up, or has broken off; undefined where nothing is left to be waited for. */
  readonly streamEnd: StreamEnd | undefined;
  /** Lets go of it: nobody wants it any more. */
  release(reason: unknown): void;
}

/** Opens what is to be handed out. */
export interface Opener<T> {
  /** Opens it in this run, and later tells `opening`, once. What it throws is the failure of the run. */
  open(context: ExecutionContext, opening: Opening<T>): void;
  /** What the caller gets when the call has failed; or throws what the caller gets. */
  failed(error: unknown): T;
}

/** What a run has to know of its call. */
interface CallOfRun<T> {
  /** The run whose stream the caller has. */
  held: Opening<T> | undefined;
  /** How many runs are opening what they open. */
  opening: number;
  /** How many runs have ended of which the policies may not know yet. */
  ending: number;
  readonly handOut: (value: T) => void;
}

/** See the head of this file. */
export class OpenCall<T, Adds> implements CallOfRun<T> {
  /** What is handed out, or what a policy says instead. */
  readonly result: Promise<T | Adds>;
  held: Opening<T> | undefined = undefined;
  opening = 0;
  ending = 0;
  readonly handOut: Settle;
  private readonly opener: Opener<T>;

  constructor(pipeline: StreamPipeline<Adds>, opener: Opener<T>, options: CallOptions | undefined) {
    this.opener = opener;
    this.result = new Promise<unknown>(captureSettle) as Promise<T | Adds>;
    this.handOut = lastSettle();
    pipeline
      .execute((context) => this.run(context), options)
      .then(this.handOut, (error: unknown) => this.handOut(this.shown(error)));
  }

  private shown(error: unknown): unknown {
    try {
      return this.opener.failed(error);
    } catch (shown) {
      return resolution(failure(shown), false);
    }
  }

  private run(context: ExecutionContext): Promise<T> {
    // A retry, or a hedge, that comes too late opens nothing.
    if (this.held !== undefined) return this.held.settled;
    const opening = new Opening<T>(this, context);
    this.opener.open(context, opening);
    this.opening++;
    return opening.settled;
  }
}

/**
 * One run of an open call. Where several run beside each other, as in a hedge, the stream that is there first is the
 * caller's; whatever another run comes to from then on is nothing to the call: it lets go of its stream, and ends as
 * that one does.
 */
export class Opening<T> implements EndListener {
  /** Settles when the policies are to know how the run ended. */
  readonly settled: Promise<T>;
  private readonly call: CallOfRun<T>;
  private readonly context: ExecutionContext;
  private value: T | undefined = undefined;
  private resolve!: (value: T | Promise<T>) => void;
  private reject!: (error: unknown) => void;

  constructor(call: CallOfRun<T>, context: ExecutionContext) {
    this.call = call;
    this.context = context;
    this.settled = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** The run has failed. */
  failed(error: unknown): void {
    const { held } = this.call;
    this.noLongerOpening(held === undefined);
    if (held === undefined) this.reject(error);
    else this.resolve(held.settled);
  }

  /** What was to be opened is there. */
  opened(stream: Opened<T>): void {
    const { call, context } = this;
    const { value, streamEnd } = stream;
    // A run that is no longer wanted hands nothing out, also where what it opened pays no heed to its signal.
    if (call.held !== undefined || isAborted(context)) {
      stream.release(context.signal.reason);
      this.failed(context.signal.reason);
    } else if (call.ending > 0) {
      // How another run ended may end the call; a stream that was handed out would break off with it.
      atTurnEnd(() => this.opened(stream));
    } else if (streamEnd === undefined) {
      this.noLongerOpening(true);
      this.resolve(value);
    } else {
      this.noLongerOpening(false);
      this.value = value;
      call.held = this;
      call.handOut(value);
      streamEnd.tell(this);
    }
  }

  /** @param undecided Whether the policies decide what becomes of the call now; they do within this turn. */
  private noLongerOpening(undecided: boolean): void {
    const { call } = this;
    call.opening--;
    if (!undecided || call.opening === 0) return;
    call.ending++;
    atTurnEnd(() => void call.ending--);
  }

  reached(end: End): void {
    if (!end.failed) return this.resolve(this.value as T);
    const { context } = this;
    this.reject(end.error);
    // The policies are told by the failure of this run; after that nothing is waited for.
    if (context instanceof Attempt) queueMicrotask(() => queueMicrotask(() => context.endCall(end.error)));
  }
}
