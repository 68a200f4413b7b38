/** A Redis cluster of the test's own: three masters, without replicas. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, RedisServer } from './redis-server.ts';

const SLOTS = 16_384;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class RedisCluster {
  readonly servers: RedisServer[] = [];
  private readonly directories: string[] = [];
  private readonly busPorts: string[] = [];

  /** Three masters that know each other, each with a third of the slots. */
  static async start(): Promise<RedisCluster> {
    const cluster = new RedisCluster();
    for (let n = 0; n < 3; n++) {
      const directory = mkdtempSync(join(tmpdir(), 'breakwater-cluster-'));
      cluster.directories.push(directory);
      const busPort = String(await freePort());
      cluster.busPorts.push(busPort);
      cluster.servers.push(
        await RedisServer.start(['--cluster-enabled', 'yes', '--cluster-port', busPort, '--dir', directory]),
      );
    }
    await cluster.meet();
    return cluster;
  }

  /** Where its nodes listen. */
  get nodes(): { readonly host: string; readonly port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async stop(): Promise<void> {
    for (const server of this.servers) await server.stop();
    for (const directory of this.directories) rmSync(directory, { recursive: true, force: true });
  }

  private async meet(): Promise<void> {
    const nodes = this.nodes.map(({ host, port }) => new Redis(port, host));
    for (const [at, node] of nodes.entries()) {
      const [first, last] = [Math.floor((at * SLOTS) / 3), Math.floor(((at + 1) * SLOTS) / 3) - 1];
      await node.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
    }
    for (const [at, { host, port }] of this.nodes.entries()) {
      if (at > 0) await nodes[0]!.call('CLUSTER', 'MEET', host, String(port), this.busPorts[at]!);
    }
    for (const node of nodes) {
      while (!String(await node.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await pause(20);
      node.disconnect();
    }
  }
}
