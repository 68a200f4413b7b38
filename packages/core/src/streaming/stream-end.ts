/** How a stream ended. */
export type End = { readonly failed: false } | { readonly failed: true; readonly error: unknown };

const FINISHED: End = Object.freeze({ failed: false });

/** Is told how a stream ended. */
export interface EndListener {
  reached(end: End): void;
}

/**
 * The end of a stream, told to one listener within the call that brings it about. By a callback and not by a promise:
 * the policies are to know before the reader does, so that the permit of a stream that was read is there for the next.
 */
export class StreamEnd {
  private reached: End | undefined = undefined;
  private listener: EndListener | undefined = undefined;

  /** How it ended; undefined as long as it has not. */
  get end(): End | undefined {
    return this.reached;
  }

  /** It was read to its end, or its reader has had enough. */
  finish(): void {
    this.reach(FINISHED);
  }

  /** It was broken off. */
  fail(error: unknown): void {
    this.reach({ failed: true, error });
  }

  /** Tells `listener` at the end, at once when that has come already. */
  tell(listener: EndListener): void {
    if (this.reached === undefined) this.listener = listener;
    else listener.reached(this.reached);
  }

  private reach(end: End): void {
    if (this.reached !== undefined) return;
    this.reached = end;
    this.listener?.reached(end);
  }
}
