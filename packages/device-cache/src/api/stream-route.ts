import { matchesPattern, paths, type StreamQuery, streamQuerySchema } from '@breakwater/device-client/contract';
import type { Timer } from 'breakwater/clock';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { String as Text } from 'typebox';
import type { ChangesSince, LoggedChange } from '../store/store.ts';
import type { ApiParts } from './api-parts.ts';
import { ApiError } from './problems.ts';
import { responses } from './responses.ts';
import { StreamReader } from './stream-reader.ts';

/** How often a silent stream says that it is there. */
const BEAT_MS = 15_000;

/** How many changes are read from the log at a time for a reader who resumes. */
const STEP = 500;

/** Streams of changes: from now on, or from where a reader was. */
export function streamRoute(app: FastifyInstance, parts: ApiParts): { endAll(): void } {
  const open = new Set<OpenStream>();
  const count = (): void => parts.metrics.counters.set('stream_readers', {}, open.size);
  app.get<{ Querystring: StreamQuery }>(
    paths.stream,
    {
      schema: {
        tags: ['changes'],
        summary: 'Changes as server-sent events; resumes after Last-Event-ID or `since`',
        querystring: streamQuerySchema,
        response: {
          ...responses({}),
          200: { description: 'Events ready, change and resync', content: { 'text/event-stream': { schema: Text() } } },
        },
      },
    },
    async (request, reply) => {
      if (open.size >= parts.configuration.maxStreams) {
        throw new ApiError('RATE_LIMITED', { message: 'Too many streams are open', retryAfterMs: 5_000 });
      }
      const since = sinceOf(request);
      // Asked before the stream begins, so that a store that is away is a problem and not a broken stream.
      const start = await parts.store.changesSince(since, STEP);
      const stream = new OpenStream(request, reply, parts, () => {
        open.delete(stream);
        count();
      });
      open.add(stream);
      count();
      await stream.begin(since, start);
      return reply;
    },
  );
  return {
    endAll: () => {
      for (const stream of open) stream.end();
    },
  };
}

/** A stream from its first event to its last. What changes while the log is read for it is held back until then. */
class OpenStream {
  private readonly parts: ApiParts;
  private readonly reader: StreamReader;
  private readonly onEnd: () => void;
  private readonly leaveFeed: () => void;
  private heldBack: LoggedChange[] | undefined = [];
  private beat: Timer | undefined = undefined;
  private hasEnded: boolean = false;

  constructor(
    request: FastifyRequest<{ Querystring: StreamQuery }>,
    reply: FastifyReply,
    parts: ApiParts,
    onEnd: () => void,
  ) {
    this.parts = parts;
    this.onEnd = onEnd;
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    reply.raw.flushHeaders();
    reply.raw.on('close', () => this.leave());
    // Whoever is gone is gone; 'close' follows.
    reply.raw.on('error', () => undefined);
    this.reader = new StreamReader(reply.raw, meant(request.query));
    this.leaveFeed = parts.feed.add({
      changed: (change) => {
        if (this.heldBack === undefined) this.reader.change(change);
        else this.heldBack.push(change);
      },
      // The reader comes back with the position that it has, and the log says what it has missed.
      gap: () => this.end(),
    });
    this.keepAwake();
  }

  async begin(since: string | undefined, start: ChangesSince): Promise<void> {
    if (since === undefined) this.reader.ready(start.position);
    else if ('lost' in start) this.reader.resync(start.position, start.lost);
    try {
      for (let page = start; ; page = await this.parts.store.changesSince(page.position, STEP)) {
        if ('lost' in page && page !== start) this.reader.resync(page.position, page.lost);
        const changes = 'changes' in page ? page.changes : [];
        for (const change of changes) this.reader.change(change);
        // Once more after this stream has joined the feed: what came between is in the log alone.
        if ((changes.length === 0 && page !== start) || this.hasEnded) break;
      }
    } catch (error) {
      this.parts.log.warn({ error }, 'a stream ended because the store is away');
      return this.end();
    }
    // A change may come twice; none is left out.
    for (const change of this.heldBack ?? []) this.reader.change(change);
    this.heldBack = undefined;
  }

  end(): void {
    this.reader.end();
    this.leave();
  }

  private leave(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.beat?.cancel();
    this.leaveFeed();
    this.onEnd();
  }

  private keepAwake(): void {
    this.beat = this.parts.clock.setTimer(
      BEAT_MS,
      () => {
        this.reader.beat();
        this.keepAwake();
      },
      true,
    );
  }
}

function sinceOf({ headers, query }: FastifyRequest<{ Querystring: StreamQuery }>): string | undefined {
  const last = headers['last-event-id'];
  const since = last === undefined || last === '' ? query.since : String(last);
  if (since !== undefined && since.length > 200) {
    const message = 'at most 200 characters';
    throw new ApiError('INVALID_REQUEST', {
      message: `Last-Event-ID: ${message}`,
      faults: [{ path: 'headers.last-event-id', message }],
    });
  }
  return since;
}

function meant({ device, pattern }: StreamQuery): (id: string) => boolean {
  const ids = device === undefined ? undefined : new Set(typeof device === 'string' ? [device] : device);
  return (id) => (ids === undefined || ids.has(id)) && (pattern === undefined || matchesPattern(pattern, id));
}
