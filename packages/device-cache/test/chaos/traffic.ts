/** What stations send on a bad day: readings in and out of order, some again, some of one moment, and now and then something that is none. */
import type { Random } from 'breakwater/clock';
import { reading } from '../../src/store/test-support/readings.ts';

/** A message as the normaliser sends it, keyed by its device. */
export interface TrafficMessage {
  readonly key: string;
  readonly value: string;
}

/** How many messages are remembered to be sent again. */
const REMEMBERED = 200;

export class Traffic {
  /** The devices that readings are of. */
  readonly ids: readonly string[];
  private readonly random: Random;
  private nowMs: number = Date.now() - 86_400_000 / 2;
  private sent: TrafficMessage[] = [];

  constructor(random: Random, devices: number) {
    this.random = random;
    this.ids = Array.from({ length: devices }, (_, at) => `d${at}`);
  }

  next(count: number): readonly TrafficMessage[] {
    const messages = Array.from({ length: count }, () => this.one());
    this.sent = this.sent.slice(-REMEMBERED);
    return messages;
  }

  private one(): TrafficMessage {
    const key = this.ids[Math.floor(this.random.next() * this.ids.length)]!;
    const dice = this.random.next();
    if (dice < 0.05) return { key, value: `poison ${dice}` };
    const again = this.sent[Math.floor(this.random.next() * this.sent.length)];
    if (dice < 0.2 && again !== undefined) return again;
    this.nowMs += Math.floor(this.random.next() * 1_000);
    const lateMs = dice < 0.4 ? Math.floor(this.random.next() * 20_000) : 0;
    const timestamp = new Date(this.nowMs - lateMs).toISOString();
    const index = dice < 0.7 ? 'T' : 'U';
    const values = [this.random.next()];
    const message = { key, value: JSON.stringify(reading(key, { index, timestamp, values })) };
    this.sent.push(message);
    return message;
  }
}
