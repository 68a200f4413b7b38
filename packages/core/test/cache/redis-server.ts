/** A Redis of the test's own: on a free port, without files, stopped by its process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, createConnection } from 'node:net';

/** Why there is none on this machine; undefined when there is. */
export const redisMissing: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'no redis-server on this machine';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (reply) => {
      socket.destroy();
      resolve(reply.toString().startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
  });
}

export class RedisServer {
  readonly port: number;
  private process: ChildProcess | undefined = undefined;

  private constructor(port: number) {
    this.port = port;
  }

  /** A server that answers. */
  static async start(more: readonly string[] = []): Promise<RedisServer> {
    const server = await RedisServer.notStarted();
    await server.start(more);
    return server;
  }

  /** A port on which nobody listens yet. */
  static async notStarted(): Promise<RedisServer> {
    return new RedisServer(await freePort());
  }

  async start(more: readonly string[] = []): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more];
    this.process = spawn('redis-server', options, { stdio: 'ignore' });
    for (let tries = 0; !(await answers(this.port)); tries++) {
      if (tries > 400) throw new Error('redis-server does not answer');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.process?.kill(name);
  }

  async stop(): Promise<void> {
    const { process: child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await exited;
  }
}
