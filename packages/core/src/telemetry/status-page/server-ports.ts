/** The shapes of requests and responses that servers have: Node's, Express's and Fastify's. */

/** A request of node:http, as Express extends it. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What a framework has made of what was sent. */
  readonly body?: unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A response of node:http. */
export interface NodeResponse {
  readonly writableNeedDrain?: boolean;
  readonly destroyed?: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(text: string): boolean;
  end(text?: string): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A request of Fastify. */
export interface FastifyRequestShape {
  readonly raw: NodeRequest;
  readonly body?: unknown;
}

/** A reply of Fastify. */
export interface FastifyReplyShape {
  readonly raw: NodeResponse;
  hijack(): unknown;
}
