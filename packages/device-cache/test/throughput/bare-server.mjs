// What the service is measured against: Fastify alone, with a constant, and with a bare Redis client that reads the same keys.
import Fastify from 'fastify';
import { Redis } from 'ioredis';

const [, , body, redisPort, script, before, after] = process.argv;
const app = Fastify();
app.get('/constant/:id', (_request, reply) => reply.type('application/json; charset=utf-8').send(body));
if (redisPort !== undefined) {
  const client = new Redis(Number(redisPort), '127.0.0.1');
  const hash = await client.script('LOAD', script);
  app.get('/redis/:id', async (request, reply) => {
    const { id } = request.params;
    const around = [before.replace('{id}', id), after];
    const found = await client.evalsha(hash, 2, `device:${id}:metadata`, `device:${id}:categories`, ...around, '1');
    const [metadata, lastUpdated, ...rest] = found;
    const readings = rest.filter((_, at) => at % 3 === 2);
    const device = {
      id,
      lastUpdated,
      metadata: JSON.parse(metadata),
      readings: readings.map((one) => JSON.parse(one)),
    };
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(device));
  });
}
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
