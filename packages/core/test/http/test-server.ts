import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What a server of a test does with a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real server on a free port that knows which of its sockets are open. */
export class TestServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The requests that came, as `GET /path`. */
  readonly requests: string[] = [];

  constructor(handler: Handler) {
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      handler(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections are open. */
  get sockets(): number {
    return this.#sockets.size;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Runs `body` against a server of its own. */
export async function withServer(handler: Handler, body: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await new TestServer(handler).start();
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}
