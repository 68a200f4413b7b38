/** A TCP proxy whose network can go silent: nothing gets through, and nobody is told. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

/** One connection: the client's side, and the server's as soon as it gets through. */
class Pair {
  readonly near: Socket;
  far: Socket | undefined = undefined;
  private readonly toFar: Uint8Array[] = [];
  private readonly toNear: Uint8Array[] = [];
  private silent = false;

  constructor(near: Socket) {
    this.near = near;
    near.on('error', () => undefined);
    near.on('data', (bytes) => {
      this.toFar.push(bytes);
      this.flow();
    });
    near.on('end', () => this.flow());
    near.on('close', () => this.flow());
  }

  /** Whether the client has neither ended nor dropped it, which during a silence only its own side knows. */
  get holdsOut(): boolean {
    return !this.near.readableEnded && !this.near.destroyed;
  }

  get isOver(): boolean {
    return this.near.destroyed && (this.far === undefined || this.far.destroyed);
  }

  join(port: number): void {
    // Each side learns of the other's end only when that has really ended: a client that waits for the end of its
    // connection waits until the server has let go of it.
    const far = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.far = far;
    far.on('error', () => undefined);
    far.on('data', (bytes) => {
      this.toNear.push(bytes);
      this.flow();
    });
    far.on('end', () => this.flow());
    far.on('close', () => this.flow());
    this.flow();
  }

  setSilent(silent: boolean): void {
    this.silent = silent;
    this.flow();
  }

  end(): void {
    this.near.destroy();
    this.far?.destroy();
  }

  /** Passes on what has come, and the ends, as far as the network lets them through. */
  private flow(): void {
    const { near, far } = this;
    if (this.silent || far === undefined) return;
    for (const bytes of this.toFar.splice(0)) if (far.writable) far.write(bytes);
    for (const bytes of this.toNear.splice(0)) if (near.writable) near.write(bytes);
    if (near.destroyed) far.destroy();
    else if (near.readableEnded) far.end();
    if (far.destroyed) near.destroy();
    else if (far.readableEnded) near.end();
  }
}

export class SilentProxy {
  private readonly target: number;
  private readonly server: Server;
  private pairs: readonly Pair[] = [];
  private silent = false;
  /** Whether new connections get through. */
  private admitting = true;

  private constructor(target: number) {
    this.target = target;
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
    for (const pair of this.pairs) pair.setSilent(true);
  }

  /**
   * The network is back. The server learns of the clients that have gone before any new one gets through: it could not
   * know of them, and no pool could tell it.
   *
   * @param whenServerKnows Resolves when the server has no more connections than have held out.
   */
  async recover(whenServerKnows: (heldOut: () => number) => Promise<void>): Promise<void> {
    this.silent = false;
    for (const pair of this.pairs) pair.setSilent(false);
    await whenServerKnows(() => this.pairs.filter(({ holdsOut, far }) => holdsOut && far !== undefined).length);
    this.admitting = true;
    for (const pair of this.pairs) {
      if (pair.far !== undefined) continue;
      if (pair.holdsOut) pair.join(this.target);
      else pair.end();
    }
  }

  async stop(): Promise<void> {
    for (const pair of this.pairs) pair.end();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(near: Socket): void {
    const pair = new Pair(near);
    this.pairs = [...this.pairs.filter(({ isOver }) => !isOver), pair];
    pair.setSilent(this.silent);
    if (this.admitting) pair.join(this.target);
  }
}
