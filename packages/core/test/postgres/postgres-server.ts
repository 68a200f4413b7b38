/** A PostgreSQL of the test's own: in a private folder, on a free port, stopped by its process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

/** Debian keeps the server's programs off the PATH, a folder for each version. */
function findPrograms(): string | undefined {
  const versions = '/usr/lib/postgresql';
  const folders = existsSync(versions)
    ? readdirSync(versions)
        .toSorted((a, b) => Number(b) - Number(a))
        .map((version) => join(versions, version, 'bin'))
    : [];
  return [...folders, ...(process.env['PATH'] ?? '').split(':')].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
}

const programs = findPrograms();

/** The server refuses to run as root: as the user `postgres` then. */
function account(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ids = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout));
  return { uid: ids[0]!, gid: ids[1]! };
}

/** Why there is none on this machine; undefined when there is. */
export const postgresMissing: string | undefined = programs === undefined ? 'no PostgreSQL on this machine' : undefined;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export class PostgresServer {
  readonly port: number;
  private readonly folder: string;
  private process: ChildProcess | undefined = undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
  }

  static async start(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'breakwater-postgres-'));
    const owner = account();
    if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
    const args = ['-D', join(folder, 'data'), '--no-sync', '--auth=trust', '--username=postgres', '--encoding=UTF8'];
    const made = spawnSync(join(programs!, 'initdb'), args, { ...owner, encoding: 'utf8', cwd: folder });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const server = new PostgresServer(await freePort(), folder);
    await server.run();
    return server;
  }

  /** A connection of the test's own, past every proxy. */
  async connect(name: string): Promise<Client> {
    const client = new Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
      application_name: name,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Ends the server, and with it every connection, and starts it again on the same data. */
  async restart(): Promise<void> {
    await this.end();
    await this.run();
  }

  async stop(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async run(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      max_connections: 120,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.process = spawn(join(programs!, 'postgres'), ['-D', join(this.folder, 'data'), ...args], {
      ...account(),
      cwd: this.folder,
      stdio: 'ignore',
    });
    for (let tries = 0; ; tries++) {
      try {
        await (await this.connect('ready')).end();
        return;
      } catch (error) {
        if (tries > 400) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** The fast shutdown: connections are ended, not waited for. */
  private async end(): Promise<void> {
    const { process: child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    await exited;
  }
}
