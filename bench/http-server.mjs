// The server of the rows over HTTP, in a process of its own, so that its CPU time is on nobody's bill.
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const item = Buffer.from(JSON.stringify({ id: 1, name: 'x'.repeat(200) }));
const items = Array.from({ length: 60 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b', id % 7] }));
const list = gzipSync(JSON.stringify(items));

const server = createServer((request, response) => {
  request.resume();
  const isList = request.url === '/items';
  const body = isList ? list : item;
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  response.writeHead(200, isList ? { ...headers, 'content-encoding': 'gzip' } : headers).end(body);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
