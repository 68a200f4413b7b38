/**
 * The bus tells the other processes what has changed, so that their memory doesn't serve it any longer.
 *
 * A message can get lost: a connection breaks, a client is too slow and is cut off. So every process numbers its messages
 * and sends one every `heartbeatMs` though it has nothing to say. Who misses a number, or doesn't hear its own heartbeat
 * for three of them, has lost something and can't know what: it drops everything from memory, when it hears again.
 */
import type { Clock, Timer } from '../../clock/clock.ts';
import type { Random } from '../../clock/random.ts';

/** How messages get from process to process: pub/sub of Redis, or anything that does the same. */
export interface BusPort {
  /** Sends a message to all subscribers, this process included. */
  publish(message: string): Promise<unknown>;
  /** Calls `onMessage` at each message from now on, also after a connection was lost and found. Resolves to what ends that. */
  subscribe(onMessage: (message: string) => void): Promise<() => unknown>;
}

/** Where a bus comes from: what `redisBus(…)` makes. */
export interface BusSource {
  /** Makes the bus of one cache. */
  open(namespace: string): BusPort;
}

/** Options of the bus between processes. */
export interface BusOptions {
  /** `redisBus(…)`, or one of your own. */
  readonly source: BusSource;
  /** How often a process is heard at least, in milliseconds: above 0; default 250. */
  readonly heartbeatMs?: number | undefined;
}

/** What is said on the bus: a key has a version, tags have new generations (the tag '' is everything), or just a sign of life. */
export type BusNews =
  | { readonly about: 'key'; readonly key: string; readonly version: number }
  | { readonly about: 'tags'; readonly tags: readonly string[] }
  | { readonly about: 'life' };

/** Told what comes over the bus. */
export interface BusListener {
  heard(news: BusNews): void;
  /** Something may have been missed: nothing in memory can be trusted. */
  missed(): void;
  stateChanged(state: 'lost' | 'connected'): void;
  failed(error: unknown): void;
}

interface Message {
  readonly from: string;
  readonly number: number;
  readonly news: BusNews;
}

const HEARTBEAT_MS = 250;
const LOST_AFTER_BEATS = 3;
/** Processes whose numbers are remembered at most; who has been silent longest is forgotten. */
const MOST_SENDERS = 1_000;

export class Bus {
  private readonly port: BusPort;
  private readonly heartbeatMs: number;
  private readonly clock: Clock;
  private readonly listener: BusListener;
  private readonly own: string;
  private readonly numbers: Map<string, number> = new Map();
  private number = 0;
  private heardAt = -Infinity;
  private connected = false;
  private timer: Timer | undefined = undefined;
  private unsubscribe: (() => unknown) | undefined = undefined;
  private subscribing = false;
  private closed = false;

  constructor(options: BusOptions, namespace: string, clock: Clock, random: Random, listener: BusListener) {
    this.port = options.source.open(namespace);
    this.heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.clock = clock;
    this.listener = listener;
    this.own = Array.from({ length: 4 }, () => Math.floor(random.next() * 2 ** 32).toString(36)).join('');
    this.beat();
  }

  /** Whether everything that others say is heard. */
  get isConnected(): boolean {
    return this.connected;
  }

  /** Tells the others; never rejects. */
  async tell(news: BusNews): Promise<void> {
    const message: Message = { from: this.own, number: ++this.number, news };
    try {
      await this.port.publish(JSON.stringify(message));
    } catch (error) {
      // The next number that gets through shows the others that they have missed this one.
      this.listener.failed(error);
    }
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.unsubscribe?.();
  }

  private beat(): void {
    if (this.closed) return;
    const now = this.clock.now();
    if (this.connected && now - this.heardAt > LOST_AFTER_BEATS * this.heartbeatMs) {
      this.connected = false;
      this.listener.stateChanged('lost');
    }
    if (this.unsubscribe === undefined) void this.subscribe();
    else void this.tell({ about: 'life' });
    this.timer = this.clock.setTimer(this.heartbeatMs, () => this.beat(), true);
  }

  private async subscribe(): Promise<void> {
    if (this.subscribing) return;
    this.subscribing = true;
    try {
      const unsubscribe = await this.port.subscribe((message) => this.receive(message));
      if (this.closed) unsubscribe();
      else {
        this.unsubscribe = unsubscribe;
        void this.tell({ about: 'life' });
      }
    } catch (error) {
      this.listener.failed(error);
    } finally {
      this.subscribing = false;
    }
  }

  private receive(text: string): void {
    const message = parsed(text);
    if (message === undefined || this.closed) return;
    const { from, number, news } = message;
    const isOwn = from === this.own;
    const last = this.numbers.get(from);
    this.remember(from, number);
    if (isOwn) this.hear();
    if (last !== undefined && number > last + 1 && this.connected) this.listener.missed();
    if (!isOwn) this.listener.heard(news);
  }

  private remember(from: string, number: number): void {
    this.numbers.delete(from);
    this.numbers.set(from, number);
    if (this.numbers.size > MOST_SENDERS) this.numbers.delete(this.numbers.keys().next().value!);
  }

  private hear(): void {
    this.heardAt = this.clock.now();
    if (this.connected) return;
    this.connected = true;
    // What was said before can't be known.
    this.listener.missed();
    this.listener.stateChanged('connected');
  }
}

function parsed(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Partial<Message> | null;
    const isMessage = typeof message?.from === 'string' && typeof message.number === 'number' && isNews(message.news);
    return isMessage ? (message as Message) : undefined;
  } catch {
    // Something else speaks on this channel.
    return undefined;
  }
}

function isNews(news: Partial<Readonly<Record<string, unknown>>> | null | undefined): boolean {
  if (news?.['about'] === 'key') return typeof news['key'] === 'string' && typeof news['version'] === 'number';
  if (news?.['about'] !== 'tags') return news?.['about'] === 'life';
  const { tags } = news;
  return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string');
}
