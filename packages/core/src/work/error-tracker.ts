import type { Clock, WallMs } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { ErrorCategory } from '../errors/category.ts';
import { type Classification, classify } from '../errors/classify.ts';
import { resolveOptions } from '../options/resolve.ts';
import { callable, count, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import { AllFailedError } from './errors.ts';

/** What is known about a failure besides its error. */
export interface FailureFacts<Item = unknown> {
  /** What failed. */
  readonly item?: Item | undefined;
  /** What tells it apart: an id, a line number. */
  readonly key?: string | number | undefined;
  /** Which attempt it was, from 1. */
  readonly attempt?: number | undefined;
  /** Whatever else helps to understand it. */
  readonly context?: unknown;
}

/** A failure that was kept. */
export interface TrackedFailure<Item = unknown> extends FailureFacts<Item> {
  readonly error: unknown;
  readonly category: ErrorCategory;
  readonly code: string;
  /** When it was told, by the wall clock. */
  readonly timestamp: WallMs;
}

/** Counts of a tracker. */
export interface ErrorSummary {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** The ratio of failures to all, 0 to 1; 0 when there was nothing. */
  readonly failureRatio: number;
  /** How many failures there were of each category, the most frequent first. */
  readonly byCategory: Readonly<Record<string, number>>;
  /** How many failures there were of each code, the most frequent first; at most 100 codes, the rest under `OTHER`. */
  readonly byCode: Readonly<Record<string, number>>;
  /** How many failures were counted and not kept. */
  readonly notKept: number;
}

/** Options of an error tracker. */
export interface ErrorTrackerOptions {
  /** How many failures are kept with their items: at least 0, or Infinity for all of them; default 1,000, the first ones. */
  readonly maxFailures?: number | undefined;
  /** Says what kind of trouble an error is; default: `classify` of `breakwater/errors`, which is asked too when this throws. */
  readonly classify?: ((error: unknown) => Pick<Classification, 'category' | 'code'>) | undefined;
  /** Where the time comes from; default: the system. */
  readonly clock?: Clock | undefined;
}

/** Counts successes and failures; see {@link errorTracker}. */
export interface ErrorTracker<Item = unknown> {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** The ratio of failures to all, 0 to 1; 0 when there was nothing. */
  readonly failureRatio: number;
  /** The failures that were kept, in the order in which they were told. */
  readonly failures: readonly TrackedFailure<Item>[];
  /** Counts `times` successes; default one. */
  success(times?: number): void;
  /** Counts a failure, and gives it as it was understood. */
  failure(error: unknown, facts?: FailureFacts<Item>): TrackedFailure<Item>;
  /** Runs `fn` and counts how it ends; gives or throws what it does. */
  track<R>(fn: () => R, facts?: FailureFacts<Item>): Promise<Awaited<R>>;
  /** A tracker of its own for one batch, whose counts begin at zero; what it counts is counted here as well. */
  batch(): ErrorTracker<Item>;
  summary(): ErrorSummary;
  /**
   * Throws an AllFailedError when something was counted here and nothing of it succeeded. For a batch, ask the tracker
   * of that batch: what went well before it does not hide that everything in it failed.
   */
  throwIfAllFailed(): void;
}

const defaults: { readonly maxFailures: number } = Object.freeze({ maxFailures: 1_000 });
const rules: Rules<ErrorTrackerOptions> = {
  maxFailures: count(0),
  classify: callable('a function of an error'),
  clock: policyOptionRules.clock,
};

/** Codes are the application's too; whoever makes one per error must not fill the memory. */
const MOST_CODES = 100;

/**
 * Counts what succeeds and what fails, by category, and keeps a bounded number of failures with their items.
 *
 * @throws ConfigurationError
 */
export function errorTracker<Item = unknown>(options: ErrorTrackerOptions = {}): ErrorTracker<Item> {
  const {
    maxFailures,
    classify: kindOf = classify,
    clock = systemClock,
  } = resolveOptions('errorTracker', options, defaults, rules);
  return new CountingTracker<Item>({ maxFailures, kindOf, clock });
}

interface TrackerSettings {
  readonly maxFailures: number;
  readonly kindOf: (error: unknown) => Pick<Classification, 'category' | 'code'>;
  readonly clock: Clock;
}

class CountingTracker<Item> implements ErrorTracker<Item> {
  succeeded = 0;
  failed = 0;
  private readonly settings: TrackerSettings;
  private readonly parent: CountingTracker<Item> | undefined;
  private readonly kept: TrackedFailure<Item>[] = [];
  private readonly categories: Map<string, number> = new Map();
  private readonly codes: Map<string, number> = new Map();
  private firstError: unknown = undefined;

  constructor(settings: TrackerSettings, parent?: CountingTracker<Item>) {
    this.settings = settings;
    this.parent = parent;
  }

  get total(): number {
    return this.succeeded + this.failed;
  }

  get failureRatio(): number {
    return this.total === 0 ? 0 : this.failed / this.total;
  }

  get failures(): readonly TrackedFailure<Item>[] {
    return [...this.kept];
  }

  success(times = 1): void {
    this.succeeded += times;
    this.parent?.success(times);
  }

  failure(error: unknown, facts: FailureFacts<Item> = {}): TrackedFailure<Item> {
    const failure = { ...facts, error, ...this.kindOf(error), timestamp: this.settings.clock.wallTime() };
    this.add(failure);
    return failure;
  }

  async track<R>(fn: () => R, facts?: FailureFacts<Item>): Promise<Awaited<R>> {
    let value: Awaited<R>;
    try {
      value = await fn();
    } catch (error) {
      this.failure(error, facts);
      throw error;
    }
    this.success();
    return value;
  }

  batch(): ErrorTracker<Item> {
    return new CountingTracker(this.settings, this);
  }

  summary(): ErrorSummary {
    const { total, succeeded, failed, failureRatio } = this;
    return {
      total,
      succeeded,
      failed,
      failureRatio,
      byCategory: mostFrequentFirst(this.categories),
      byCode: mostFrequentFirst(this.codes),
      notKept: failed - this.kept.length,
    };
  }

  throwIfAllFailed(): void {
    if (this.failed === 0 || this.succeeded > 0) return;
    const byCategory = mostFrequentFirst(this.categories);
    throw new AllFailedError(this.failed, byCategory, Object.keys(byCategory)[0]!, this.firstError);
  }

  private kindOf(error: unknown): Pick<Classification, 'category' | 'code'> {
    const { category, code } = this.asked(error);
    return { category, code };
  }

  private asked(error: unknown): Pick<Classification, 'category' | 'code'> {
    try {
      return this.settings.kindOf(error);
    } catch {
      // What failed is the outcome of the item; a fault in telling kinds apart must not take its place.
      return classify(error);
    }
  }

  private add(failure: TrackedFailure<Item>): void {
    this.failed++;
    if (this.failed === 1) this.firstError = failure.error;
    if (this.kept.length < this.settings.maxFailures) this.kept.push(failure);
    countOne(this.categories, failure.category);
    countOne(this.codes, this.codes.size < MOST_CODES || this.codes.has(failure.code) ? failure.code : 'OTHER');
    this.parent?.add(failure);
  }
}

function countOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function mostFrequentFirst(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
}
