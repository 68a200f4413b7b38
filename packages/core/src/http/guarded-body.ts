import type { TimeoutLane } from '../clock/timeout-queue.ts';
import type { Opened } from '../streaming/open-call.ts';
import { StreamEnd } from '../streaming/stream-end.ts';
import { WaitLimit } from '../streaming/wait-limit.ts';
import { type BodyReader, BodyStream } from './body-stream.ts';
import { deriveResponse } from './derived-response.ts';
import type { Transfer } from './transfer.ts';
import { type BodyWatcher, type WholeReading, unwatch, watchResponse } from './watched-response.ts';

/** What a body has to know of its request. */
export interface BodyTerms {
  /** Where waits for a chunk stand; undefined when they have no limit. */
  readonly idleLane: TimeoutLane | undefined;
  /** Where it stands while nobody reads it; undefined when that has no limit. */
  readonly unreadLane: TimeoutLane | undefined;
  /** The error for a chunk that did not come in time, or for a body that nobody read. */
  overdue(phase: 'body' | 'unread'): Error;
  /** The error to show for what the platform's body broke off with. */
  explain(error: unknown, transfer: Transfer): unknown;
}

/** Whether there is nothing to read, so that nobody will. */
export function isBodiless(response: Response): boolean {
  return response.body === null || response.headers.get('content-length') === '0';
}

/**
 * Watches the body of a response that is handed out while its call goes on. The body reads on demand only, ends with an
 * error at once when its transfer is ended, also while nobody reads, and a reader that has had enough ends the transfer.
 */
export class GuardedBody implements Opened<Response>, BodyWatcher, BodyReader {
  /** What the caller gets. */
  readonly value: Response;
  readonly streamEnd: StreamEnd = new StreamEnd();
  substituted: Response | undefined = undefined;
  private readonly origin: Response;
  private readonly body: ReadableStream<Uint8Array>;
  private readonly transfer: Transfer;
  private readonly terms: BodyTerms;
  private readonly unread: WaitLimit | undefined;
  private idle: WaitLimit | undefined = undefined;
  private stream: BodyStream | undefined = undefined;
  /** Rejects what reads the body whole, once that has begun. */
  private rejectReading: ((error: unknown) => void) | undefined = undefined;

  constructor(response: Response, transfer: Transfer, terms: BodyTerms) {
    this.origin = response;
    this.body = response.body!;
    this.transfer = transfer;
    this.terms = terms;
    this.unread = terms.unreadLane && new WaitLimit(terms.unreadLane, () => this.release(this.terms.overdue('unread')));
    this.value = watchResponse(response, this) ? response : this.substitute()!;
    this.unread?.start();
    transfer.whenEnded((reason) => this.release(reason));
  }

  /** Breaks the body off. */
  release(error: unknown): void {
    if (this.streamEnd.end !== undefined) return;
    this.settle();
    this.streamEnd.fail(error);
    if (this.stream !== undefined) this.stream.fail(error);
    else if (this.rejectReading !== undefined) this.rejectReading(error);
    else this.body.cancel(error).catch(() => undefined);
    this.transfer.end(error);
  }

  // --- as it is read whole ---

  readWhole(method: WholeReading, platform: () => Promise<unknown>): Promise<unknown> {
    // Only on a stream of ours the waits for its chunks are seen.
    if (this.terms.idleLane !== undefined) this.substitute();
    if (this.substituted !== undefined) return this.substituted[method]();
    if (this.brokeUnread !== undefined) return Promise.reject(this.brokeUnread.error);
    if (!this.isUntouched) return platform();
    this.unread?.stop();
    return new Promise((resolve, reject) => {
      this.rejectReading = reject;
      platform().then(
        (whole) => {
          this.finished();
          // Whoever keeps the response doesn't keep its call.
          unwatch(this.origin);
          resolve(whole);
        },
        (error: unknown) => this.brokeOff(error),
      );
    });
  }

  // --- as a stream ---

  substitute(): Response | undefined {
    if (this.substituted !== undefined) return this.substituted;
    if (this.isUntouched) {
      this.idle = new WaitLimit(this.terms.idleLane, () => this.release(this.terms.overdue('body')));
      this.stream = new BodyStream(this.body, this);
      this.substituted = deriveResponse(this.origin, this.stream.stream);
    } else if (this.brokeUnread !== undefined) {
      const { error } = this.brokeUnread;
      this.substituted = deriveResponse(this.origin, brokenStream(error));
    }
    return this.substituted;
  }

  waits(): void {
    this.unread?.stop();
    this.idle?.start();
  }

  served(): void {
    this.idle?.stop();
    this.unread?.start();
  }

  finished(): void {
    this.settle();
    this.streamEnd.finish();
  }

  brokeOff(error: unknown): void {
    this.release(this.terms.explain(error, this.transfer));
  }

  private get isUntouched(): boolean {
    return this.stream === undefined && this.rejectReading === undefined && this.streamEnd.end === undefined;
  }

  /** What broke the body off before anybody began to read it. */
  private get brokeUnread(): { readonly error: unknown } | undefined {
    const { end } = this.streamEnd;
    return end?.failed === true && this.stream === undefined && this.rejectReading === undefined ? end : undefined;
  }

  private settle(): void {
    this.idle?.stop();
    this.unread?.stop();
    this.transfer.close();
  }
}

/** The platform's own body was cancelled when it broke, and would read as if it were complete. */
function brokenStream(error: unknown): ReadableStream<Uint8Array> {
  return new ReadableStream({ type: 'bytes', start: (controller) => controller.error(error) });
}
