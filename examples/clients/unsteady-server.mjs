// A server on this machine that refuses every second request with status 503, and asks to come back in ten milliseconds.
import { once } from 'node:events';
import { createServer } from 'node:http';

/** Starts it on a free port. */
export async function unsteadyServer(answer) {
  const seen = { requests: 0, refused: 0 };
  const server = createServer((request, response) => {
    request.resume();
    seen.requests++;
    if (seen.requests % 2 === 1) {
      seen.refused++;
      response.writeHead(503, { 'retry-after-ms': '10' }).end('busy');
    } else {
      response.writeHead(200, { 'content-type': 'application/json' });
      answer(response);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
