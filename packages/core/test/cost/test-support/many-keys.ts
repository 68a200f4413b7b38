/**
 * What many keys cost a limiter: bytes for each, and the longest time that one of them keeps everybody else waiting. That
 * is CPU time of the thread, since the machine may pause us at any moment, without the times at which the collector ran,
 * since its pauses are not ours. Neither are those of the engine where strings become keys of a Map: Node 26 stops for ten
 * milliseconds and more each time that the number of strings that were ever such keys has doubled, also where each of the
 * Maps is small. So the same keys are put into small Maps by themselves, and a limiter may take twice as long as those.
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
  return played(keys, maxKeys, 'limiter');
}

/** Ten milliseconds, or twice as long as Maps by themselves take, where that is more. */
export function longestAllowedMs(keys: number): number {
  return Math.max(10, 2 * played(keys, 1, 'maps').longestMs);
}

function played(keys: number, maxKeys: number, way: 'limiter' | 'maps'): ManyKeys {
  const program = fileURLToPath(new URL('../programs/many-keys.ts', import.meta.url));
  const flags = ['--expose-gc', '--no-warnings', program, String(keys), String(maxKeys), way];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' })) as ManyKeys;
}
