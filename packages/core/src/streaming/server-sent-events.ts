/**
 * Server-sent events as the HTML standard has them (section 9.2.6): lines end with CR, LF or both; an event ends with an
 * empty line; `data` lines are joined by line feeds; an event without data is none; a last one without its empty line
 * is incomplete and left out.
 */

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

/** The events of a response's body; takes its chunks as `fetch` gives them, cut wherever they are. */
export async function* serverSentEvents(
  body: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
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
  private event = '';
  private data: string[] = [];
  private lastEventId = '';
  private retryMs: number | undefined = undefined;

  take(line: string): ServerSentEvent | undefined {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.lastEventId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  private dispatch(): ServerSentEvent | undefined {
    const { event, data, lastEventId, retryMs } = this;
    this.event = '';
    this.data = [];
    if (data.length === 0) return undefined;
    return { event: event === '' ? 'message' : event, data: data.join('\n'), lastEventId, retryMs };
  }
}
