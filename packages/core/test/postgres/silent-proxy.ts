/** A TCP proxy whose network can go silent: nothing gets through, and nobody is told. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  far: Socket | undefined;
  /** The client has ended or dropped the connection; during a silence the server has not heard of it. */
  nearEnded: boolean;
}

export class SilentProxy {
  private readonly target: number;
  private readonly server: Server;
  private readonly pairs: Set<Pair> = new Set();
  private silent = false;
  /** Whether new connections get through. */
  private admitting = true;

  private constructor(target: number) {
    this.target = target;
    // Each side learns of the other's end only when that has really ended: a client that waits for the end of its
    // connection waits until the server has let go of it.
    this.server = createServer({ allowHalfOpen: true }, (near) => this.accept(near));
  }

  static async start(target: number): Promise<SilentProxy> {
    const proxy = new SilentProxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on nothing arrives on either side: no byte, no end, no answer to a new connection. */
  fallSilent(): void {
    this.silent = true;
    this.admitting = false;
    for (const { near, far } of this.pairs) {
      near.pause();
      far?.pause();
    }
  }

  /**
   * The network is back. The server learns of the clients that have gone before any new one gets through: it could not
   * know of them, and no pool could tell it.
   *
   * @param whenServerKnows Resolves when the server has no more connections than have held out.
   */
  async recover(whenServerKnows: (heldOut: () => number) => Promise<void>): Promise<void> {
    this.silent = false;
    for (const { near, far } of this.pairs) {
      if (far === undefined) continue;
      if (near.destroyed) far.destroy();
      else if (far.destroyed) near.destroy();
      else this.flow(near, far);
    }
    await whenServerKnows(() => [...this.pairs].filter(({ nearEnded, far }) => !nearEnded && far !== undefined).length);
    this.admitting = true;
    for (const pair of [...this.pairs]) {
      if (pair.near.destroyed) this.pairs.delete(pair);
      else if (pair.far === undefined) this.join(pair);
    }
  }

  async stop(): Promise<void> {
    for (const { near, far } of this.pairs) {
      near.destroy();
      far?.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(near: Socket): void {
    const pair: Pair = { near, far: undefined, nearEnded: false };
    this.pairs.add(pair);
    near.pause();
    near.on('error', () => undefined);
    near.on('end', () => {
      pair.nearEnded = true;
      // Nobody is there for whom a connection should be made.
      if (pair.far === undefined) near.destroy();
      else if (!this.silent) pair.far.end();
    });
    near.on('close', () => {
      pair.nearEnded = true;
      if (this.silent) return;
      pair.far?.destroy();
      this.pairs.delete(pair);
    });
    if (this.admitting) this.join(pair);
  }

  private join(pair: Pair): void {
    const { near } = pair;
    const far = createConnection({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    pair.far = far;
    far.on('error', () => undefined);
    far.on('end', () => {
      if (!this.silent) near.end();
    });
    // A server that has gone is heard of at once, unless the network is silent.
    far.on('close', () => {
      if (!this.silent) near.destroy();
    });
    far.on('connect', () => this.flow(near, far));
  }

  private flow(near: Socket, far: Socket): void {
    if (this.silent) return;
    if (near.listenerCount('data') === 0) {
      near.on('data', (bytes) => far.write(bytes));
      far.on('data', (bytes) => near.write(bytes));
    }
    near.resume();
    far.resume();
    if (near.readableEnded) far.end();
    if (far.readableEnded) near.end();
  }
}
