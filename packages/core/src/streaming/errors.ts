import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/** Which wait of a stream became too long. */
export type StreamWait = 'first-chunk' | 'idle' | 'unread';

const SENTENCES: Readonly<Record<StreamWait, string>> = Object.freeze({
  'first-chunk': 'the stream had not begun',
  idle: 'the stream had been silent',
  unread: 'nobody had read the stream',
});

/**
 * A stream kept its reader waiting, or its reader the stream. Category `timeout`. Code `STREAM_FIRST_CHUNK_TIMEOUT`,
 * `STREAM_IDLE_TIMEOUT` or `STREAM_UNREAD_TIMEOUT`.
 */
export class StreamTimeoutError extends BreakwaterError {
  readonly wait: StreamWait;
  readonly timeoutMs: number;

  constructor(wait: StreamWait, timeoutMs: number) {
    super(`${SENTENCES[wait]} for ${timeoutMs} ms`, {
      code: `STREAM_${wait.replace('-', '_').toUpperCase()}_TIMEOUT`,
      category: 'timeout',
      details: { timeoutMs },
    });
    this.wait = wait;
    this.timeoutMs = timeoutMs;
  }
}
nameError(StreamTimeoutError, 'StreamTimeoutError');

/** An event of a server is longer than `maxEventLength`. Code `STREAM_EVENT_TOO_LARGE`, category `validation`. */
export class StreamEventTooLargeError extends BreakwaterError {
  constructor(maxEventLength: number) {
    super(`an event of the stream is longer than ${maxEventLength} characters`, {
      code: 'STREAM_EVENT_TOO_LARGE',
      category: 'validation',
      details: { maxEventLength },
    });
  }
}
nameError(StreamEventTooLargeError, 'StreamEventTooLargeError');
