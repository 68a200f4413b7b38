/** A cluster of three masters on loopback: on free ports, stopped by their processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, RedisServer } from './redis-server.ts';

const SLOTS = 16_384;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class RedisCluster {
  readonly servers: readonly RedisServer[];
  private readonly directories: readonly string[];

  private constructor(servers: readonly RedisServer[], directories: readonly string[]) {
    this.servers = servers;
    this.directories = directories;
  }

  /** Three masters that have met, each with a third of the slots. */
  static async start(): Promise<RedisCluster> {
    const servers: RedisServer[] = [];
    const directories: string[] = [];
    const busPorts: string[] = [];
    for (let n = 0; n < 3; n++) {
      const directory = mkdtempSync(join(tmpdir(), 'breakwater-cluster-'));
      directories.push(directory);
      const busPort = String(await freePort());
      busPorts.push(busPort);
      servers.push(
        await RedisServer.start(['--cluster-enabled', 'yes', '--cluster-port', busPort, '--dir', directory]),
      );
    }
    await meet(servers, busPorts);
    return new RedisCluster(servers, directories);
  }

  async stop(): Promise<void> {
    for (const server of this.servers) await server.stop();
    for (const directory of this.directories) rmSync(directory, { recursive: true, force: true });
  }

  /** How many keys each master has. */
  sizes(): Promise<number[]> {
    return Promise.all(
      this.servers.map(async ({ port }) => {
        const node = new Redis(port, '127.0.0.1');
        const size = await node.dbsize();
        node.disconnect();
        return size;
      }),
    );
  }
}

async function meet(servers: readonly RedisServer[], busPorts: readonly string[]): Promise<void> {
  const nodes = servers.map(({ port }) => new Redis(port, '127.0.0.1'));
  for (const [at, node] of nodes.entries()) {
    const [first, last] = [Math.floor((at * SLOTS) / 3), Math.floor(((at + 1) * SLOTS) / 3) - 1];
    await node.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
  }
  for (const [at, { port }] of servers.entries()) {
    if (at > 0) await nodes[0]!.call('CLUSTER', 'MEET', '127.0.0.1', String(port), busPorts[at]!);
  }
  for (const node of nodes) {
    while (!String(await node.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await pause(20);
    node.disconnect();
  }
}
