// What the intake is measured against: a loop that consumes with the same client and writes the same script, pipelined.
import { Consumer } from '@platformatic/kafka';
import { Redis } from 'ioredis';

const [, , address, topic, redisPort, script] = process.argv;
const BATCH = 500;
const client = new Redis(Number(redisPort), '127.0.0.1', { db: 1 });
const hash = await client.script('LOAD', script);
const consumer = new Consumer({ clientId: 'bare', groupId: 'bare', bootstrapBrokers: [address] });
const stream = await consumer.consume({
  topics: [topic],
  mode: 'committed',
  fallbackMode: 'earliest',
  autocommit: false,
  maxWaitTime: 500,
  highWaterMark: BATCH * 2,
});

function write(pipeline, { value, offset }) {
  const reading = JSON.parse(value);
  const { device_id: id, timestamp, index, metadata } = reading;
  const ms = Date.parse(timestamp);
  const iso = new Date(ms).toISOString();
  const now = String(Date.now());
  const keys = [`device:${id}:metadata`, `device:${id}:categories`, `device:${id}:fences`];
  const registry = ['devices', 'devices:updated', 'devices:ids', 'devices:changes'];
  const category = metadata.datatype_category;
  const device = [
    `device:${id}:category:`,
    ':readings',
    '86400000',
    iso,
    index,
    category,
    String(ms * 1_000),
    String(offset),
    JSON.stringify(reading),
  ];
  const entry = [id, now, String(ms), 'readings', category, iso, '10000'];
  pipeline.evalsha(hash, 7, ...keys, ...registry, ...device, ...entry);
}

let batch = [];
const flush = async () => {
  const messages = batch;
  batch = [];
  const pipeline = client.pipeline();
  const ends = new Map();
  for (const message of messages) {
    write(pipeline, message);
    ends.set(message.partition, message.offset + 1n);
  }
  await pipeline.exec();
  await consumer.commit({
    offsets: [...ends].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 })),
  });
};

console.log('listening on nothing');
for await (const message of stream) {
  batch.push(message);
  if (batch.length === BATCH || stream.readableLength === 0) await flush();
}
