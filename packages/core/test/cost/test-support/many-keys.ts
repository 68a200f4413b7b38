/**
 * What many keys cost a limiter: bytes for each, and the longest time that one of them keeps everybody else waiting. That
 * is CPU time of the thread, since the machine may pause us at any moment, without the times at which the collector ran,
 * since its pauses are not ours.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a process of its own has found. */
export interface ManyKeys {
  /** How many are remembered in the end. */
  readonly keys: number;
  readonly longestMs: number;
  readonly bytesPerKey: number;
}

/** Whether this Node can tell the CPU time of a thread. */
export const canMeasure: boolean = 'threadCpuUsage' in process;

/** Asks about `keys` keys, one after the other, of which `maxKeys` are remembered. */
export function askAbout(keys: number, maxKeys: number): ManyKeys {
  const program = fileURLToPath(new URL('../programs/many-keys.ts', import.meta.url));
  const flags = ['--expose-gc', '--no-warnings', program, String(keys), String(maxKeys)];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' })) as ManyKeys;
}
