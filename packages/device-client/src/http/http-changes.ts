import type { Clock } from 'breakwater/clock';
import { type ServerSentEvent, serverSentEvents } from 'breakwater/streaming';
import { paths } from '../contract/paths.ts';
import type { StreamQuery } from '../contract/query.ts';
import { changeDataSchema, resyncDataSchema, streamEvents } from '../contract/stream.ts';
import { InvalidResponse, RequestTimedOut } from '../errors/errors.ts';
import { conforming } from '../transport/conforming.ts';
import type { StreamEvent } from '../transport/transport.ts';
import { bodyText } from './body-text.ts';
import type { HttpRequests } from './http-requests.ts';

/** For how long a stream may be silent: the service sends a comment every 15 s, so then nobody is there any more. */
const SILENCE_MS = 45_000;

const WHAT = `GET ${paths.stream}`;

/** The changes that the service streams; ends when the connection does, fails when it is silent for 45 s. */
export async function* httpChanges(
  requests: HttpRequests,
  { since, ...query }: StreamQuery,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, undefined> {
  const silence = new Silence(clock, signal);
  try {
    const response = await requests.open({
      method: 'GET',
      path: paths.stream,
      query,
      headers: { accept: 'text/event-stream', ...(since === undefined ? {} : { 'last-event-id': since }) },
      signal: silence.signal,
    });
    if (!response.ok) throw requests.problem(WHAT, response, await bodyText(response, WHAT));
    if (response.body === null || !isEventStream(response)) {
      throw new InvalidResponse(`${WHAT}: the answer is no event stream: is this the device cache?`, []);
    }
    for await (const event of serverSentEvents(silence.watched(response.body))) {
      const told = eventOf(event);
      if (told !== undefined) yield told;
    }
  } finally {
    silence.end();
  }
}

const isEventStream = (response: Response): boolean =>
  response.headers.get('content-type')?.startsWith('text/event-stream') === true;

/** Events of other names are of a newer service. */
function eventOf({ event, data, lastEventId: position }: ServerSentEvent): StreamEvent | undefined {
  if (event === streamEvents.ready) return { type: 'ready', position };
  if (event === streamEvents.change) {
    return { type: 'change', position, change: conforming(changeDataSchema, parsed(data), WHAT) };
  }
  if (event === streamEvents.resync) {
    return { type: 'resync', position, resync: conforming(resyncDataSchema, parsed(data), WHAT) };
  }
  return undefined;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new InvalidResponse(`${WHAT}: an event is no JSON`, [], { cause });
  }
}

/** Breaks a connection off on which nothing comes any more. */
class Silence {
  private readonly clock: Clock;
  private readonly outer: AbortSignal;
  private readonly controller: AbortController = new AbortController();
  private timer: { cancel(): void } | undefined = undefined;
  private readonly abort = (): void => this.controller.abort(this.outer.reason);

  constructor(clock: Clock, outer: AbortSignal) {
    this.clock = clock;
    this.outer = outer;
    if (outer.aborted) this.abort();
    outer.addEventListener('abort', this.abort);
    this.begin();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The chunks of a body; the silence begins anew with each. While the reader is busy nothing is expected. */
  async *watched(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = body.getReader();
    try {
      for (;;) {
        this.begin();
        const { done, value } = await reader.read();
        this.timer?.cancel();
        if (done) return;
        yield value;
      }
    } finally {
      // What can't be cancelled is broken already.
      await reader.cancel().catch(() => undefined);
    }
  }

  end(): void {
    this.timer?.cancel();
    this.outer.removeEventListener('abort', this.abort);
    this.controller.abort();
  }

  private begin(): void {
    this.timer?.cancel();
    this.timer = this.clock.setTimer(SILENCE_MS, () =>
      this.controller.abort(new RequestTimedOut(`${WHAT}: nothing came for ${SILENCE_MS} ms`)),
    );
  }
}
