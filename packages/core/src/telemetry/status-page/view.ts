/** What a status page shows, as plain data: names, numbers and words that were chosen here, and nothing else. */

/** How something is, as a colour. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle';

/** A name and its value, ready to be read. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** How much of something is used. */
export interface Meter {
  readonly label: string;
  readonly used: number;
  readonly of: number;
}

/** A policy. */
export interface PolicyView {
  /** Its place in the pipeline: `2`, or `2.0` in a pipeline that stands in the row. */
  readonly place: string;
  readonly kind: string;
  readonly name: string;
  readonly tone: Tone;
  /** One word, where it has a state. */
  readonly state?: string;
  readonly meters: readonly Meter[];
  readonly facts: readonly Fact[];
  /** What its small plot shows; undefined where there is none. */
  readonly plot?: 'state' | 'value';
  /** The number that is plotted. */
  readonly value?: number;
  readonly isBreaker: boolean;
  readonly policies?: readonly PolicyView[];
}

/** How the calls of the last minute came out; numbers that are not known are null. */
export interface CallsView {
  readonly ratePerSecond: number;
  readonly errorRatio: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** A pipeline. */
export interface PipelineView {
  readonly name: string;
  readonly tone: Tone;
  /** In a word: `open`, `failing`, `idle`. */
  readonly status: string;
  readonly busy: number;
  readonly calls: CallsView;
  readonly policies: readonly PolicyView[];
}

/** A cache, a pool, a batcher, or a limiter that stands in no pipeline. */
export interface PartView {
  readonly name: string;
  readonly tone: Tone;
  /** The number that matters most, ready to be read. */
  readonly headline: Fact;
  readonly facts: readonly Fact[];
}

/** An operation of the performance monitor. */
export interface OperationView {
  readonly name: string;
  readonly count: number;
  readonly errorRatio: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** A health check, or an alert. */
export interface NoticeView {
  readonly name: string;
  readonly tone: Tone;
  readonly state: string;
  readonly message: string;
}

/** All that is shown. */
export interface StatusView {
  readonly title: string;
  readonly timestamp: string;
  readonly tone: Tone;
  /** In some words: `All systems normal`. */
  readonly summary: string;
  /** Whether commands are possible at all. */
  readonly commands: boolean;
  /** How many operations are not shown, because there are too many. */
  readonly moreOperations: number;
  readonly pipelines: readonly PipelineView[];
  readonly caches: readonly PartView[];
  readonly limiters: readonly PartView[];
  readonly pools: readonly PartView[];
  readonly batchers: readonly PartView[];
  readonly operations: readonly OperationView[];
  readonly health: readonly NoticeView[];
  readonly alerts: readonly NoticeView[];
}

/** The worst of several. */
export function worstTone(tones: readonly Tone[]): Tone {
  const order: readonly Tone[] = ['bad', 'warn', 'good'];
  return order.find((tone) => tones.includes(tone)) ?? 'idle';
}

/** `1.2 s`, `45 ms`, `0.3 ms`. */
export function shownMs(ms: number): string {
  if (ms >= 120_000) return `${Math.round(ms / 60_000)} min`;
  if (ms >= 1_000) return `${trimmed(ms / 1_000)} s`;
  return `${ms >= 10 ? Math.round(ms) : trimmed(ms)} ms`;
}

/** `12.3 %`. */
export function shownRatio(ratio: number): string {
  return `${trimmed(ratio * 100)} %`;
}

/** `1,234`, `12.3`. */
export function shownNumber(value: number): string {
  if (value === Infinity) return 'unlimited';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  return Number.isInteger(value) ? String(value) : trimmed(value);
}

const trimmed = (value: number): string => String(Number(value.toFixed(value < 10 ? 2 : 1)));
