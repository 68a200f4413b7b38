// What the service is measured against: Fastify alone, with a constant, and with a bare Redis client that reads the same keys.
import Fastify from 'fastify';
import { Redis } from 'ioredis';

const [, , body, redisPort] = process.argv;

/** KEYS: metadata, categories. ARGV: what stands before and after a category in a key. */
const script = `
local facts = redis.call('HMGET', KEYS[1], 'metadata', 'lastUpdated')
if not facts[2] then return false end
local result = { facts[1] or '{}', facts[2] }
for _, category in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local readings = redis.call('HGETALL', ARGV[1] .. category .. ARGV[2])
  for i = 1, #readings, 2 do
    result[#result + 1] = category
    result[#result + 1] = readings[i]
    result[#result + 1] = readings[i + 1]
  end
end
return result
`;

const app = Fastify();
app.get('/constant/:id', (_request, reply) => reply.type('application/json; charset=utf-8').send(body));
if (redisPort !== undefined) {
  const client = new Redis(Number(redisPort), '127.0.0.1');
  const hash = await client.script('LOAD', script);
  app.get('/redis/:id', async (request, reply) => {
    const { id } = request.params;
    const keys = [`device:${id}:metadata`, `device:${id}:categories`];
    const found = await client.evalsha(hash, 2, ...keys, `device:${id}:category:`, ':readings');
    const [metadata, lastUpdated, ...rest] = found;
    const readings = rest.filter((_, at) => at % 3 === 2).map((one) => JSON.parse(one));
    const device = {
      id,
      lastUpdated,
      metadata: JSON.parse(metadata),
      categories: [...new Set(rest.filter((_, at) => at % 3 === 0))],
      readingCount: readings.length,
      readings,
    };
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(device));
  });
}
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
