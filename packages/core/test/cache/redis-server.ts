/** A Redis of the test's own: on a free port, without files, stopped by its process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, createConnection } from 'node:net';

/** What can be started here: they are started alike. */
type ServerProgram = 'redis-server' | 'valkey-server';

const missing = (program: ServerProgram): string | undefined =>
  spawnSync(program, ['--version']).status === 0 ? undefined : `no ${program} on this machine`;

/** Why there is none on this machine; undefined when there is. */
export const redisMissing: string | undefined = missing('redis-server');
export const valkeyMissing: string | undefined = missing('valkey-server');

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
  private readonly program: ServerProgram;
  private process: ChildProcess | undefined = undefined;

  private constructor(port: number, program: ServerProgram) {
    this.port = port;
    this.program = program;
  }

  /** A server that answers. */
  static async start(more: readonly string[] = [], program: ServerProgram = 'redis-server'): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), program);
    await server.start(more);
    return server;
  }

  /** A port on which nobody listens yet. */
  static async notStarted(): Promise<RedisServer> {
    return new RedisServer(await freePort(), 'redis-server');
  }

  async start(more: readonly string[] = []): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more];
    this.process = spawn(this.program, options, { stdio: 'ignore' });
    for (let tries = 0; !(await answers(this.port)); tries++) {
      if (tries > 400) throw new Error(`${this.program} does not answer`);
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
