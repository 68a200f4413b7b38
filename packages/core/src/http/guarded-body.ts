import { deriveResponse } from './derived-response.ts';

/** A response that was handed out while its call goes on. */
export interface GuardedResponse {
  readonly response: Response;
  /** Resolves when the body has been read or cancelled; rejects with what broke it off. */
  readonly ended: Promise<void>;
}

/** Whether there is nothing to read, so that nobody will. */
export function isBodiless(response: Response): boolean {
  return response.body === null || response.headers.get('content-length') === '0';
}

/**
 * Hands a response out and watches its body. The body reads on demand only, ends with an error at once when `signal` is
 * aborted, also while nobody reads, and a reader that has had enough cancels the transfer.
 *
 * @param explain Turns what the platform's body broke off with into the error to show.
 */
export function guardBody(
  response: Response,
  signal: AbortSignal,
  explain: (error: unknown) => unknown,
): GuardedResponse {
  const guard = new BodyGuard(response.body!, signal, explain);
  const body = new ReadableStream(guard, { highWaterMark: 0 });
  return { response: deriveResponse(response, body), ended: guard.ended };
}

class BodyGuard {
  readonly type = 'bytes';
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #signal: AbortSignal;
  readonly #explain: (error: unknown) => unknown;
  #controller: ReadableByteStreamController | undefined = undefined;
  #settled = false;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(body: ReadableStream<Uint8Array>, signal: AbortSignal, explain: (error: unknown) => unknown) {
    this.#reader = body.getReader();
    this.#signal = signal;
    this.#explain = explain;
    this.ended = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', this.#onAbort);
  }

  start(controller: ReadableByteStreamController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#onAbort();
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (this.#settled) return;
        if (done) {
          this.#end();
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        // A byte stream takes no empty chunk.
        if (value.byteLength === 0) continue;
        controller.enqueue(value as Uint8Array<ArrayBuffer>);
        return;
      }
    } catch (error) {
      this.#fail(this.#explain(error));
    }
  }

  cancel(reason: unknown): Promise<void> {
    this.#end();
    return this.#reader.cancel(reason);
  }

  readonly #onAbort = (): void => {
    this.#reader.cancel(this.#signal.reason).catch(() => undefined);
    this.#fail(this.#signal.reason);
  };

  #end(): void {
    if (!this.#settle()) return;
    this.#resolve();
  }

  #fail(error: unknown): void {
    if (!this.#settle()) return;
    this.#controller?.error(error);
    this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    return true;
  }
}
