// undici under policies. Needs `npm install undici breakwater`.
import { bulkhead, circuitBreaker, pipeline, retry, timeout } from 'breakwater';
import { resilientInterceptor } from 'breakwater/undici';
import { Agent, request } from 'undici';
import { unsteadyServer } from './unsteady-server.mjs';

const server = await unsteadyServer((response) => response.end('{"sku":"teapot","stock":3}'));
const calls = pipeline(
  timeout({ timeoutMs: 10_000 }),
  retry(),
  circuitBreaker(),
  bulkhead({ maxConcurrent: 10 }),
  timeout({ timeoutMs: 2_000 }),
);
const dispatcher = new Agent().compose(resilientInterceptor(calls));

for (let call = 0; call < 3; call++) {
  const { statusCode, body } = await request(`${server.url}/items/teapot`, { dispatcher });
  console.log(statusCode, await body.json());
}
console.log(server.seen);

await calls.close();
await dispatcher.close();
server.close();
