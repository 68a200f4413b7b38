/** A load of requests on a server in another process, measured by the time that server's processor works. */
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';

const TICKS_PER_SECOND = 100;
const CONNECTIONS = 16;

export interface Load {
  /** Time of the server's processor per request, in microseconds. */
  readonly cpuMicros: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** Sends `count` requests over kept connections, sixteen at a time. */
export async function load(pid: number, url: string, path: (at: number) => string, count: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) {
      const begun = performance.now();
      await ask(agent, `${url}${path(at)}`);
      latencies.push(performance.now() - begun);
    }
  };
  const cpuBefore = cpuSeconds(pid);
  const begun = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = cpuSeconds(pid) - cpuBefore;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  return { cpuMicros: (cpu / count) * 1e6, p99Ms: latencies[Math.floor(count * 0.99)]!, perSecond: count / seconds };
}

function ask(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.resume().on('end', () => resolve());
    });
    asked.on('error', reject);
  });
}

/** What a process has worked so far, itself and for the system. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
