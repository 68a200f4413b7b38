/**
 * Server-sent events as the HTML standard has them (section 9.2.6): lines end with CR, LF or both; an event ends with an
 * empty line; `data` lines are joined by line feeds; an event without data is none; a last one without its empty line
 * is incomplete and left out.
 */

import { resolveOptions } from '../options/resolve.ts';
import { integer, type Rules } from '../options/rules.ts';
import { StreamEventTooLargeError } from './errors.ts';
import { readerOf } from './source.ts';

/** An event of a server. */
export interface ServerSentEvent {
  /** Its type; default `message`. */
  readonly event: string;
  readonly data: string;
  /** The last id that the server has named: what Last-Event-ID says when the stream is opened anew. */
  readonly lastEventId: string;
  /** After how many milliseconds the server wants to be asked again after a break; undefined when it hasn't said. */
  readonly retryMs: number | undefined;
}

/** Options of {@link serverSentEvents}. */
export interface ServerSentEventsOptions {
  /**
   * How long an event may be, in UTF-16 code units, before it is taken for one that never ends; default 16,777,216. A
   * server that sends no end of a line would otherwise fill the memory.
   */
  readonly maxEventLength?: number | undefined;
}

/** What {@link serverSentEvents} does when nothing else is said. */
export const SERVER_SENT_EVENTS_DEFAULTS: Readonly<{ readonly maxEventLength: number }> = Object.freeze({
  maxEventLength: 16_777_216,
});

const rules: Rules<ServerSentEventsOptions> = { maxEventLength: integer(1) };

/**
 * The events of a response's body; takes its chunks as `fetch` gives them, cut wherever they are. Rejects with a
 * StreamEventTooLargeError, and lets go of the body, when an event is longer than it may be.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function serverSentEvents(
  body: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  options?: ServerSentEventsOptions,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { maxEventLength } = resolveOptions('serverSentEvents', options, SERVER_SENT_EVENTS_DEFAULTS, rules);
  return eventsOf(body, maxEventLength);
}

async function* eventsOf(
  body: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  maxEventLength: number,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const reader = readerOf(body);
  const lines = new LineSplitter();
  const parser = new EventParser();
  let complete = false;
  try {
    for (;;) {
      const { done, value } = await reader.next();
      if (done === true) break;
      for (const line of lines.push(value)) {
        const event = parser.take(line);
        if (event !== undefined) yield event;
      }
      if (lines.waiting + parser.length > maxEventLength) throw new StreamEventTooLargeError(maxEventLength);
    }
    complete = true;
  } finally {
    if (!complete) reader.stop(undefined);
  }
}

/** Lines of text from bytes. */
class LineSplitter {
  private readonly decoder: TextDecoder = new TextDecoder();
  private rest = '';
  /** A CR at the end of a chunk has ended its line; an LF that follows belongs to it. */
  private skipLineFeed = false;

  /** How much is there of a line that has not ended. */
  get waiting(): number {
    return this.rest.length;
  }

  push(bytes: Uint8Array): readonly string[] {
    let text = this.decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.skipLineFeed && text.startsWith('\n')) text = text.slice(1);
    this.skipLineFeed = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.rest + lines[0];
    this.rest = lines.pop()!;
    return lines;
  }
}

/** Events from lines. */
class EventParser {
  /** How much data there is of an event that has not ended. */
  length = 0;
  private event = '';
  private data: string[] = [];
  private lastEventId = '';
  private retryMs: number | undefined = undefined;

  take(line: string): ServerSentEvent | undefined {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.data.push(value);
      this.length += value.length + 1;
    } else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.lastEventId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  private dispatch(): ServerSentEvent | undefined {
    const { event, data, lastEventId, retryMs } = this;
    this.event = '';
    this.data = [];
    this.length = 0;
    if (data.length === 0) return undefined;
    return { event: event === '' ? 'message' : event, data: data.join('\n'), lastEventId, retryMs };
  }
}
