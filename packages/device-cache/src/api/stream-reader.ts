/** One open stream of changes, as server-sent events. */
import { type ResyncReason, streamEvents } from '@breakwater/device-client/contract';
import type { ServerResponse } from 'node:http';
import type { LoggedChange } from '../store/store.ts';

/** How much may wait for a reader who does not read, in bytes. */
const MOST_WAITING = 1_048_576;

export class StreamReader {
  private readonly response: ServerResponse;
  private readonly isMeant: (id: string) => boolean;
  /** Where the log stands, for a reader who was too slow. */
  private position: string = '';
  private isBehind: boolean = false;

  constructor(response: ServerResponse, isMeant: (id: string) => boolean) {
    this.response = response;
    this.isMeant = isMeant;
  }

  ready(position: string): void {
    this.position = position;
    this.write(streamEvents.ready, position, {});
  }

  resync(position: string, reason: ResyncReason): void {
    this.position = position;
    this.write(streamEvents.resync, position, { reason });
  }

  change({ position, data }: LoggedChange): void {
    this.position = position;
    if (this.isBehind || !this.isMeant(data.deviceId)) return;
    this.write(streamEvents.change, position, data);
    if (this.response.writableLength > MOST_WAITING) this.wait();
  }

  /** Keeps the connection awake. */
  beat(): void {
    if (!this.isBehind) this.response.write(':\n\n');
  }

  end(): void {
    this.response.end();
  }

  /** Keeps nothing more for a reader who is too slow; when it reads again, it is told. */
  private wait(): void {
    this.isBehind = true;
    this.response.once('drain', () => {
      this.isBehind = false;
      this.resync(this.position, 'reader-too-slow');
    });
  }

  private write(event: string, id: string, data: object): void {
    this.response.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
