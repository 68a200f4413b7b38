/**
 * A load of requests on a server in another process, and what that server works for them.
 *
 * The requests are written and their answers read on bare sockets: a client that did more would be busier than the server, and
 * what is measured would be how a server waits.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

const CONNECTIONS = 16;
const NANOSECONDS = 1e9;

export interface Load {
  /** Time of the server's processor per request, in microseconds. */
  readonly cpuMicros: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** Sends `count` requests over kept connections, sixteen at a time. */
export async function load(pid: number, url: string, path: (at: number) => string, count: number): Promise<Load> {
  const { hostname, port } = new URL(url);
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    const connection = await Connection.open(hostname, Number(port));
    for (let at = next++; at < count; at = next++) {
      const begun = performance.now();
      await connection.get(path(at));
      latencies.push(performance.now() - begun);
    }
    connection.close();
  };
  const cpuBefore = cpuSeconds(pid);
  const begun = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = cpuSeconds(pid) - cpuBefore;
  latencies.sort((a, b) => a - b);
  return { cpuMicros: (cpu / count) * 1e6, p99Ms: latencies[Math.floor(count * 0.99)]!, perSecond: count / seconds };
}

/** A kept connection that carries one request at a time. */
class Connection {
  private readonly socket: Socket;
  private received: string = '';
  private answered: () => void = () => undefined;
  private failed: (error: Error) => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.receive(chunk.toString('latin1')));
    socket.on('error', (error) => this.failed(error));
    socket.on('close', () => this.failed(new Error('the server has closed the connection')));
  }

  static open(host: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Resolves when the whole answer is there. Rejects where it is another than 200. */
  get(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.answered = resolve;
      this.failed = reject;
      this.socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive\r\n\r\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(text: string): void {
    this.received += text;
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.received)?.[1]);
    if (this.received.length < end + 4 + length) return;
    const answer = this.received;
    this.received = '';
    if (answer.startsWith('HTTP/1.1 200 ')) this.answered();
    else this.failed(new Error(`answered: ${answer.slice(0, 500)}`));
  }
}

/** What a process has worked so far, itself and for the system, over all its threads. */
export function cpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + threadSeconds(pid, thread), 0);
}

function threadSeconds(pid: number, thread: string): number {
  const [worked] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
  return Number(worked) / NANOSECONDS;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
