import type { Clock } from '../clock/clock.ts';
import { recentTimeOf } from '../clock/recent-time.ts';
import { ConfigurationError } from '../errors/configuration-error.ts';
import { resolveOptions } from '../options/resolve.ts';
import { callable, milliseconds, ratio, type Rules } from '../options/rules.ts';
import { nodeModule } from '../structures/node-module.ts';
import type { LoadReader, LoadSource } from './load-source.ts';

/** How much memory is used, and how much there is. */
export interface MemoryUse {
  readonly usedBytes: number;
  /** Above 0. */
  readonly limitBytes: number;
}

/** Options of {@link memoryUse}. */
export interface MemoryUseOptions {
  /** The part of the memory that is a load of 1, above 0 and at most 1; default 0.9. */
  readonly maxRatio?: number | undefined;
  /** How often it is measured at most, in milliseconds, at least 0; default 1,000. */
  readonly intervalMs?: number | undefined;
  /**
   * Tells how much is used. Default: of the heap against its limit and of the process against what its container or
   * machine has, the one that is fuller. Required where the platform tells neither, as in browsers.
   */
  readonly measure?: (() => MemoryUse) | undefined;
}

/** The defaults of memory as a source of load. */
export const memoryUseDefaults: { readonly maxRatio: number; readonly intervalMs: number } = Object.freeze({
  maxRatio: 0.9,
  intervalMs: 1_000,
});

const rules: Rules<MemoryUseOptions> = {
  maxRatio: ratio(),
  intervalMs: milliseconds(),
  measure: callable<() => MemoryUse>(),
};

/**
 * The memory that is used as a load. Garbage that has not been collected counts as used, so the heap's part is high at
 * times in a program that is well; a limit below 0.8 refuses too early.
 *
 * @throws ConfigurationError
 */
export function memoryUse(given: MemoryUseOptions = {}): LoadSource {
  const options = resolveOptions('memoryUse', given, memoryUseDefaults, rules);
  const measure = options.measure ?? platformMemory();
  if (measure === undefined) {
    const expected = 'a function that tells how much memory is used, as this platform does not';
    throw new ConfigurationError([{ path: 'memoryUse.measure', expected, received: 'nothing' }]);
  }
  const { maxRatio, intervalMs } = options;
  return Object.freeze({
    name: 'memory-use',
    createReader: (clock: Clock) => new MemoryReader(clock, measure, maxRatio, intervalMs),
  });
}

class MemoryReader implements LoadReader {
  private readonly clock: Clock;
  private readonly measure: () => MemoryUse;
  private readonly maxRatio: number;
  private readonly intervalMs: number;
  private measuredAt = -Infinity;
  private load = 0;

  constructor(clock: Clock, measure: () => MemoryUse, maxRatio: number, intervalMs: number) {
    this.clock = clock;
    this.measure = measure;
    this.maxRatio = maxRatio;
    this.intervalMs = intervalMs;
  }

  read(): number {
    const now = recentTimeOf(this.clock).now();
    if (now - this.measuredAt >= this.intervalMs) {
      this.measuredAt = now;
      const { usedBytes, limitBytes } = this.measure();
      this.load = usedBytes / limitBytes / this.maxRatio;
    }
    return this.load;
  }

  stop(): void {
    this.measuredAt = -Infinity;
  }
}

/** What of Node's modules tells of memory. */
interface HeapModule {
  getHeapStatistics(): { readonly used_heap_size: number; readonly heap_size_limit: number };
}
interface ProcessModule {
  readonly memoryUsage?: { (): { readonly rss: number }; readonly rss?: () => number };
  constrainedMemory?(): number | undefined;
}
interface MachineModule {
  totalmem(): number;
}

function platformMemory(): (() => MemoryUse) | undefined {
  const heap = nodeModule<HeapModule>('node:v8');
  const machine = nodeModule<MachineModule>('node:os');
  const { process } = globalThis as { readonly process?: ProcessModule };
  const memoryUsage = process?.memoryUsage;
  if (heap === undefined || machine === undefined || memoryUsage === undefined) return undefined;
  const rss = memoryUsage.rss ?? (() => memoryUsage().rss);
  // Without a limit of its own a container says 0, or more than any machine has.
  const constrained = process?.constrainedMemory?.() ?? 0;
  const total = machine.totalmem();
  const limitBytes = constrained > 0 ? Math.min(constrained, total) : total;
  return () => {
    const { used_heap_size: usedHeap, heap_size_limit: heapLimit } = heap.getHeapStatistics();
    const used = rss();
    return usedHeap / heapLimit > used / limitBytes
      ? { usedBytes: usedHeap, limitBytes: heapLimit }
      : { usedBytes: used, limitBytes };
  };
}
