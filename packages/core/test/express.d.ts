// What the tests use of Express, which brings no types.
declare module 'express' {
  import type { IncomingMessage, Server, ServerResponse } from 'node:http';
  type Handler = (
    request: IncomingMessage,
    response: ServerResponse & { send(body: unknown): void },
    next: () => void,
  ) => unknown;
  interface Express {
    use(handler: Handler): void;
    use(path: string, handler: Handler): void;
    get(path: string, handler: Handler): void;
    listen(port: number, host: string): Server;
  }
  function express(): Express;
  namespace express {
    function json(): Handler;
  }
  export default express;
}
