/**
 * A page that shows every pipeline as it is now and was in the last minutes: one document without anything from
 * elsewhere, kept up to date by server-sent events. It shows names, numbers and states that were chosen for it, never
 * the options, keys, values or errors of anybody. What it may do, isolate and reset breakers, needs a token.
 */
import type { Timer } from '../../clock/clock.ts';
import type { EventSource, HookFailedEvent } from '../../events/event.ts';
import { OwnerChannel } from '../../events/owner-channel.ts';
import type { StatusSource, StreamTarget } from './answer.ts';
import { Commands, type CommandResult, type StatusCommandEvent } from './commands.ts';
import { answerFetch, answerNode } from './handlers.ts';
import { type ResolvedStatusOptions, resolveStatusOptions, type StatusPageOptions } from './options.ts';
import type { StatusRegistry } from './registry-port.ts';
import type { FastifyReplyShape, FastifyRequestShape, NodeRequest, NodeResponse } from './server-ports.ts';
import { StatusModel } from './status-model.ts';
import { plotValue } from './series.ts';
import type { StatusView } from './view.ts';

/** The events of a status page. */
export interface StatusPageEvents {
  'hook-failed': HookFailedEvent;
  'status-command': StatusCommandEvent;
}

/** A status page; see {@link statusPage}. */
export interface StatusPage {
  /** Who has commanded what. */
  readonly events: EventSource<StatusPageEvents>;
  /** Answers a request of node:http or Express: `createServer(page.handler)`, `app.use('/status', page.handler)`. */
  readonly handler: (request: NodeRequest, response: NodeResponse) => void;
  /** Answers a request of Fastify: `app.all('/status', page.fastify)`. */
  readonly fastify: (request: FastifyRequestShape, reply: FastifyReplyShape) => void;
  /** Answers a request of the web platform, such as Hono's: `app.all('/status', (c) => page.fetch(c.req.raw))`. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** What it shows, as plain data. */
  view(): StatusView;
  /** Ends all streams, listens to nothing any more and lets go of its timer; further requests are answered with 503. */
  close(): void;
}

/**
 * Makes a status page of the pipelines of a registry. It watches them from now on until it is closed.
 *
 * @throws ConfigurationError
 */
export function statusPage(registry: StatusRegistry, options: StatusPageOptions = {}): StatusPage {
  return new LivePage(registry, resolveStatusOptions(options));
}

/** Tells a browser when to come again after the connection broke. */
const RETRY = 'retry: 3000\n';

class LivePage implements StatusPage, StatusSource {
  readonly handler: StatusPage['handler'];
  readonly fastify: StatusPage['fastify'];
  readonly fetch: StatusPage['fetch'];
  private readonly channel: OwnerChannel<StatusPageEvents>;
  private readonly options: ResolvedStatusOptions;
  private readonly model: StatusModel;
  private readonly commands: Commands;
  private readonly viewers: Set<StreamTarget> = new Set();
  private timer: Timer;
  private closed = false;

  constructor(registry: StatusRegistry, options: ResolvedStatusOptions) {
    this.options = options;
    this.model = new StatusModel(registry, options);
    const { clock, commandToken, redactor } = options;
    this.channel = new OwnerChannel(undefined, () => clock);
    const clean = (text: string): string => redactor.text(text);
    this.commands = new Commands(registry, clock, commandToken, clean, (event) =>
      this.channel.tell('status-command', event),
    );
    this.handler = (request, response) => void answerNode(this, request, response, request.body);
    this.fastify = (request, reply) => {
      reply.hijack();
      void answerNode(this, request.raw, reply.raw, request.body);
    };
    this.fetch = (request) => answerFetch(this, request);
    this.timer = this.nextTick();
  }

  get events(): EventSource<StatusPageEvents> {
    return this.channel;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  view(): StatusView {
    return this.model.view();
  }

  command(authorization: string | undefined, body: unknown): Promise<CommandResult> {
    return this.commands.run(authorization, body);
  }

  stream(): ((target: StreamTarget) => () => void) | undefined {
    if (this.viewers.size >= this.options.maxViewers) return undefined;
    const { intervalMs } = this.options;
    const { series, capacity } = this.model;
    const first = RETRY + eventOf('full', { view: this.view(), series, intervalMs, capacity });
    return (target) => {
      this.viewers.add(target);
      target.send(first);
      return () => void this.viewers.delete(target);
    };
  }

  close(): void {
    this.closed = true;
    this.timer.cancel();
    this.model.stop();
    for (const viewer of this.viewers) viewer.end();
    this.viewers.clear();
  }

  private nextTick(): Timer {
    return this.options.clock.setTimer(this.options.intervalMs, () => this.tick(), true);
  }

  /** What is shown is asked of others: one that throws is told, and the page goes on. */
  failed(hook: string, error: unknown): void {
    this.channel.tell('hook-failed', { hook, error, outcome: 'failure' });
  }

  private tick(): void {
    this.timer = this.nextTick();
    try {
      this.update();
    } catch (error) {
      this.failed('sample', error);
    }
  }

  private update(): void {
    const points = this.model.sample();
    if (this.viewers.size === 0) return;
    const rounded = Object.entries(points).map(([name, values]) => [
      name,
      Object.fromEntries(Object.entries(values).map(([key, value]) => [key, plotValue(value)])),
    ]);
    const part = eventOf('tick', { view: this.view(), points: Object.fromEntries(rounded) as unknown });
    for (const viewer of this.viewers) viewer.send(part);
  }
}

/** JSON has no line breaks outside of its texts, and in those they are escaped: it is one line of an event. */
const eventOf = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
