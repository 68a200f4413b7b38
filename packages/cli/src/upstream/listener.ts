import type { Clock, Timer } from 'breakwater/clock';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Outage } from './outages.ts';

/** The server's ear: opens the port, stops listening during outages of mode `refuse`, and closes for good. */
export class Listener {
  readonly #server: Server;
  readonly #clock: Clock;
  #port: number;
  readonly #host: string;
  #timers: Timer[] = [];
  #closed = false;

  constructor(server: Server, clock: Clock, port: number, host: string) {
    this.#server = server;
    this.#clock = clock;
    this.#port = port;
    this.#host = host;
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  async open(): Promise<void> {
    await this.#listen();
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Sets the timers of refusing outages; `elapsedMs` has already passed on the outages' own clock. */
  schedule(outages: readonly Outage[], elapsedMs: number): void {
    for (const outage of outages) {
      if (outage.mode !== 'refuse' || outage.toMs <= elapsedMs) continue;
      this.#timers.push(
        this.#clock.setTimer(Math.max(0, outage.fromMs - elapsedMs), () => this.#refuse()),
        this.#clock.setTimer(outage.toMs - elapsedMs, () => this.#resume()),
      );
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    await new Promise<void>((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  #refuse(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #resume(): void {
    if (this.#closed || this.#server.listening) return;
    // Somebody else may hold the port for a moment: try again, as a service that comes back would.
    this.#listen().catch(() => {
      if (!this.#closed) this.#timers.push(this.#clock.setTimer(100, () => this.#resume()));
    });
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => () => {
        this.#server.off('error', failed);
        this.#server.off('listening', opened);
        if (this.#closed) this.#server.close();
        act();
      };
      const failed = (error: Error): void => settle(() => reject(error))();
      const opened = settle(resolve);
      this.#server.once('error', failed);
      this.#server.once('listening', opened);
      this.#server.listen(this.#port, this.#host);
    });
  }
}
