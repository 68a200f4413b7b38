import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What a server of a test does with a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real server on a free port that knows which of its responses have not ended. */
export class TestServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #responses = new Set<ServerResponse>();
  /** The requests that came, as `GET /path`. */
  readonly requests: string[] = [];

  constructor(handler: Handler) {
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      this.#responses.add(response);
      response.on('close', () => this.#responses.delete(response));
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

  /**
   * Resolves when every response has been sent to its end or broken off; a test that waits in vain runs into its own
   * time limit. (The platform keeps connections in reserve that carry no request, also under plain fetch.)
   */
  async allEnded(): Promise<void> {
    while (this.#responses.size > 0)
      await Promise.race([...this.#responses].map((response) => once(response, 'close')));
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
