// axios under policies. Needs `npm install axios breakwater`.
import axios from 'axios';
import { bulkhead, circuitBreaker, pipeline, retry, timeout } from 'breakwater';
import { resilientAdapter } from 'breakwater/axios';
import { unsteadyServer } from './unsteady-server.mjs';

const server = await unsteadyServer((response) => response.end('{"sku":"teapot","stock":3}'));
const calls = pipeline(
  timeout({ timeoutMs: 10_000 }),
  retry(),
  circuitBreaker(),
  bulkhead({ maxConcurrent: 10 }),
  timeout({ timeoutMs: 2_000 }),
);
const client = axios.create({ baseURL: server.url, adapter: resilientAdapter(calls, axios.getAdapter('http')) });

for (let call = 0; call < 3; call++) {
  const { status, data } = await client.get('/items/teapot');
  console.log(status, data);
}
console.log(server.seen);

await calls.close();
server.close();
