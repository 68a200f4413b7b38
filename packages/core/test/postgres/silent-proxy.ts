/** A TCP proxy whose network can go silent: nothing gets through, and nobody is told. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  far: Socket | undefined;
  /** The near side is gone; the far side has not heard of it. */
  nearGone: boolean;
}

export class SilentProxy {
  private readonly target: number;
  private readonly server: Server;
  private readonly pairs: Set<Pair> = new Set();
  private silent = false;

  private constructor(target: number) {
    this.target = target;
    this.server = createServer((near) => this.accept(near));
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
    for (const { near, far } of this.pairs) {
      near.pause();
      far?.pause();
    }
  }

  /**
   * The network is back. The server learns of the clients that have gone before any new one gets through: it could not
   * know of them, and no pool could tell it.
   */
  async recover(whenServerKnows: () => Promise<void>): Promise<void> {
    for (const pair of this.pairs) if (pair.nearGone) pair.far?.destroy();
    await whenServerKnows();
    this.silent = false;
    for (const pair of [...this.pairs]) {
      if (pair.nearGone) this.pairs.delete(pair);
      else if (pair.far === undefined) this.join(pair);
      else this.flow(pair.near, pair.far);
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
    const pair: Pair = { near, far: undefined, nearGone: false };
    this.pairs.add(pair);
    near.pause();
    near.on('error', () => undefined);
    near.on('close', () => {
      pair.nearGone = true;
      if (this.silent) return;
      pair.far?.destroy();
      this.pairs.delete(pair);
    });
    if (!this.silent) this.join(pair);
  }

  private join(pair: Pair): void {
    const far = createConnection(this.target, '127.0.0.1');
    pair.far = far;
    far.on('error', () => undefined);
    // A server that has gone is heard of at once, unless the network is silent.
    far.on('close', () => {
      if (!this.silent) pair.near.destroy();
    });
    far.on('connect', () => this.flow(pair.near, far));
  }

  private flow(near: Socket, far: Socket): void {
    if (this.silent) return;
    if (near.listenerCount('data') === 0) {
      near.on('data', (bytes) => far.write(bytes));
      far.on('data', (bytes) => near.write(bytes));
    }
    near.resume();
    far.resume();
  }
}
