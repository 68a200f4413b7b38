/**
 * A program that has more to do than it can do serves nobody well: every call waits for all the others. So while its load
 * is above what it should be, it refuses calls before they cost anything, the least urgent first.
 *
 * For a priority that is refused above the load `t`, and a ramp `r`, the chance of a refusal at the load `l` is
 *
 *     0 below t,   (l − t) / (t · r) up to t · (1 + r),   1 beyond
 *
 * The load follows with a delay what is let through. A limit that refuses all or nothing would swing by that; a chance
 * that rises with the load comes to rest where as much is let through as can be done.
 */
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { withoutStack } from '../errors/rejection.ts';
import type { LoadReader } from '../load/load-source.ts';
import { type Failure, type Outcome, refusal } from '../policy/outcome.ts';
import { PolicyBase } from '../policy/policy-base.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { PRIORITY_LEVELS, type Priority, priorityLevel } from '../policy/priority.ts';
import { LoadShedError } from './errors.ts';
import { type ResolvedSheddingOptions, resolveSheddingOptions, type SheddingOptions } from './options.ts';

/** A call was refused because the program has too much to do. */
export interface LoadShedEvent {
  /** The load: 1 is what it should be at most. */
  readonly load: number;
  /** Which source says so. */
  readonly source: string;
  /** The level of the call's priority: 0 critical, 1 high, 2 normal, 3 low, 4 batch. */
  readonly priorityLevel: number;
  readonly outcome: 'refused';
}

/** The events of load shedding. */
export interface SheddingEvents {
  'load-shed': LoadShedEvent;
}

/** What has become of the calls that came. */
export interface SheddingStatistics {
  readonly admitted: number;
  readonly refused: number;
  /** Of those refused, how many had each priority. */
  readonly refusedByPriority: Readonly<Record<Exclude<Priority, 'medium'>, number>>;
}

/** Load shedding; see {@link shedding}. */
export interface Shedding extends HookPolicy<SheddingEvents, never> {
  readonly kind: 'shedding';
  readonly name: string;
  /** The load at present, the highest of the sources: 1 is what it should be at most. */
  readonly load: number;
  /** With which chance the next call of a priority is refused, 0 to 1. */
  refusalRatio(priority: Priority): number;
  readonly statistics: SheddingStatistics;
}

/**
 * Refuses calls while the program has too much to do, with a LoadShedError, the least urgent first. It stands outermost,
 * where a refused call has cost nothing yet.
 *
 * @throws ConfigurationError
 */
export function shedding(options: SheddingOptions = {}): Shedding {
  return new SheddingPolicy(options);
}

class SheddingPolicy extends PolicyBase implements Shedding {
  readonly kind = 'shedding';
  readonly waits = false;
  readonly options: ResolvedSheddingOptions;
  /** By the level of the priority. */
  private readonly refuseAbove: Float64Array;
  private readonly lowest: number;
  private readers: readonly LoadReader[];
  private users = 0;
  /** Which source gave the load that was measured last. */
  private highest = 0;
  private admitted = 0;
  private readonly refused: Float64Array = new Float64Array(PRIORITY_LEVELS);

  constructor(given: SheddingOptions) {
    const options = resolveSheddingOptions(given);
    super('shedding', options);
    this.options = options;
    const { critical, high, normal, low, batch } = options.refuseAbove;
    this.refuseAbove = Float64Array.of(critical, high, normal, low, batch);
    this.lowest = batch;
    this.readers = this.makeReaders();
  }

  override adopt(clock: Clock, random: Random): void {
    const before = this.clock;
    super.adopt(clock, random);
    this.users++;
    if (this.clock === before) return;
    for (const reader of this.readers) reader.stop();
    this.readers = this.makeReaders();
  }

  dismiss(): void {
    this.users--;
    if (this.users === 0) for (const reader of this.readers) reader.stop();
  }

  enter(call: Call): Outcome | undefined {
    const load = this.measure(call);
    if (load > this.lowest) {
      const ratio = this.ratioAt(load, call.priorityLevel);
      if (ratio > 0 && this.random.next() < ratio) return this.refuse(call, load);
    }
    this.admitted++;
    return undefined;
  }

  leave(_call: Call, _at: number, outcome: Outcome): Outcome {
    return outcome;
  }

  cancel(): void {
    // Nothing is held for a call.
  }

  get load(): number {
    return this.measure(undefined);
  }

  refusalRatio(priority: Priority): number {
    return this.ratioAt(this.load, priorityLevel(priority));
  }

  get statistics(): SheddingStatistics {
    const [critical = 0, high = 0, normal = 0, low = 0, batch = 0] = this.refused;
    const refused = critical + high + normal + low + batch;
    return { admitted: this.admitted, refused, refusedByPriority: { critical, high, normal, low, batch } };
  }

  private makeReaders(): readonly LoadReader[] {
    return this.options.sources.map((source) => source.createReader(this.clock));
  }

  /** The highest load. A source that fails, which calls tell of, or gives no number says nothing; the others count. */
  private measure(call: Call | undefined): number {
    let load = 0;
    for (let index = 0; index < this.readers.length; index++) {
      try {
        const one = this.readers[index]!.read();
        if (!(one > load)) continue;
        load = one;
        this.highest = index;
      } catch (error) {
        call?.hookFailed(this.name, 'source', error);
      }
    }
    return load;
  }

  private ratioAt(load: number, level: number): number {
    const above = this.refuseAbove[level]!;
    if (load <= above) return 0;
    return Math.min(1, (load - above) / (above * this.options.rampRatio));
  }

  private refuse(call: Call, load: number): Failure {
    this.refused[call.priorityLevel]!++;
    if (call.wants('load-shed')) {
      const source = this.options.sources[this.highest]!.name;
      const details: LoadShedEvent = { load, source, priorityLevel: call.priorityLevel, outcome: 'refused' };
      call.emit(this.name, 'load-shed', details);
    }
    return refusal(this.shed, load);
  }

  private readonly shed = (load: number): Error => withoutStack(() => new LoadShedError(this.name, load));
}
