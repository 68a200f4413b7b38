/**
 * A call whose result leaves it while it goes on.
 *
 * A stream is there before it has been read, but the work ends with its last chunk: until then a connection is in use,
 * a model computes, and the upstream can fall silent. So the call of the pipeline lasts as long as its stream, and holds
 * permits and probes for it, while the stream itself leaves by a side door as soon as it is there. From then on the
 * caller has it, and nothing may be tried again: a failure breaks the stream off, the policies see it, the call ends.
 */
import type { Clock } from '../clock/clock.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { CallSwitch } from './call-switch.ts';
import type { StreamEnd } from './stream-end.ts';

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
  open(context: ExecutionContext): Promise<Opened<T>>;
  /** The error of a run that comes after another one's stream was handed out. */
  supersededError(): Error;
}

/** See the head of this file. */
export class OpenCall<T, Adds> {
  /** What is handed out, or what a policy says instead. */
  readonly result: Promise<T | Adds>;
  private readonly opener: Opener<T>;
  private readonly ending: CallSwitch;
  private handOut!: (value: T | Adds) => void;
  private handedOut = false;
  private broken: { readonly error: unknown } | undefined = undefined;

  constructor(pipeline: StreamPipeline<Adds>, opener: Opener<T>, options: CallOptions | undefined) {
    this.opener = opener;
    const ending = new CallSwitch(options?.parent);
    this.ending = ending;
    this.result = new Promise((resolve, reject) => {
      this.handOut = resolve;
      pipeline
        .execute((context) => this.run(context), { ...options, parent: ending.context })
        .then(
          (value) => {
            ending.release();
            resolve(value);
          },
          (error: unknown) => {
            ending.release();
            reject(error);
          },
        );
    });
  }

  private run(context: ExecutionContext): Promise<T> {
    if (this.handedOut) throw this.tooLate();
    return new Promise((resolve, reject) => {
      this.opener.open(context).then((opened) => this.opened(context, opened, resolve, reject), reject);
    });
  }

  private opened(
    context: ExecutionContext,
    opened: Opened<T>,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const { value, streamEnd } = opened;
    // A run that is no longer wanted hands nothing out, also where what it opened pays no heed to its signal.
    const unwanted = context.signal.aborted || this.handedOut;
    if (unwanted) {
      const reason = context.signal.aborted ? context.signal.reason : this.tooLate();
      opened.release(reason);
      reject(reason);
    } else if (streamEnd === undefined) resolve(value);
    else {
      this.handedOut = true;
      this.handOut(value);
      streamEnd.whenReached((end) => {
        if (!end.failed) return resolve(value);
        this.broken = end;
        reject(end.error);
        // The policies are told by the failure of this run; after that nothing is waited for.
        queueMicrotask(() => queueMicrotask(() => this.ending.end(end.error)));
      });
    }
  }

  private tooLate(): unknown {
    return this.broken === undefined ? this.opener.supersededError() : this.broken.error;
  }
}
