// The server of the rows over HTTP, in a process of its own, so that its CPU time is on nobody's bill.
import { createServer } from 'node:http';

const body = Buffer.from(JSON.stringify({ id: 1, name: 'x'.repeat(200) }));

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
