/** The suite of all stores on a Redis cluster of three masters. */
import { ioredisPort } from 'breakwater/cache';
import { Cluster, Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, redisMissing, RedisServer } from '../../../core/test/cache/redis-server.ts';
import { redisStore } from '../../src/store/redis/redis-store.ts';
import { fenced } from '../../src/store/test-support/readings.ts';
import { storeSuite } from '../../src/store/test-support/store-suite.ts';

const SLOTS = 16_384;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(redisMissing !== undefined)('on a cluster', () => {
  const servers: { readonly server: RedisServer; readonly busPort: string; readonly folder: string }[] = [];
  let cluster: Cluster;
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) {
      const [busPort, folder] = [String(await freePort()), mkdtempSync(join(tmpdir(), 'device-cluster-'))];
      const server = await RedisServer.start(['--cluster-enabled', 'yes', '--cluster-port', busPort, '--dir', folder]);
      servers.push({ server, busPort, folder });
    }
    await meet();
    cluster = new Cluster(servers.map(({ server: { port } }) => ({ port, host: '127.0.0.1' })));
    cluster.on('error', () => undefined);
  }, 60_000);
  afterAll(async () => {
    cluster.disconnect();
    for (const { server, folder } of servers) {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  /** Gives each server a third of the slots, and waits until all know of it. */
  async function meet(): Promise<void> {
    const nodes = servers.map(({ server }) => new Redis(server.port, '127.0.0.1'));
    for (const [at, node] of nodes.entries()) {
      const [first, last] = [Math.floor((at * SLOTS) / 3), Math.floor(((at + 1) * SLOTS) / 3) - 1];
      await node.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
    }
    for (const { server, busPort } of servers.slice(1)) {
      await nodes[0]!.call('CLUSTER', 'MEET', '127.0.0.1', String(server.port), busPort);
    }
    for (const node of nodes) {
      while (!String(await node.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await pause(20);
      node.disconnect();
    }
  }

  const emptied = async (): Promise<void> => {
    for (const node of cluster.nodes('master')) await node.flushall();
  };

  storeSuite({
    name: 'redis cluster',
    make: async (ttlMs) => {
      await emptied();
      return redisStore({ port: ioredisPort(cluster), ttlMs, pollMs: 10 });
    },
    elapse: pause,
    // A busy machine may take its time between two commands.
    shortTtlMs: 1_000,
    propertyRuns: 10,
  });

  it('spreads devices over all nodes, each device on one', async () => {
    await emptied();
    const store = redisStore({ port: ioredisPort(cluster) });
    await store.write(Array.from({ length: 60 }, (_, at) => fenced(`d${at}`, 0)));
    for (const node of cluster.nodes('master'))
      expect((await node.keys('device:{d*}:metadata')).length).toBeGreaterThan(5);
    await store.close();
  });
});
