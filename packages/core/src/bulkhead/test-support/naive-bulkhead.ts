/** A bulkhead as one would write it who only wants to be right: one list, searched from the front. */
import type { Priority } from '../../policy/priority.ts';
import type { BulkheadOptions } from '../options.ts';

/** The most urgent first. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low', 'batch'] as const satisfies readonly Priority[];
export type Urgency = (typeof PRIORITIES)[number];

export type Settings = Required<Pick<BulkheadOptions, 'maxConcurrent' | 'maxQueue' | 'releaseOn'>> & {
  readonly maxConcurrent: number;
  readonly maxQueue: number;
};

/** No two sums of these times and of the waits between steps are equal, so nothing depends on the order of equals. */
export const CALL_WAIT_MS = 53.0013;
export const CODE_WAIT_MS = 31.00017;
export const TIMEOUT_MS = 107.01;

/** `left`: its caller has been answered, and its function goes on. */
export type State = 'waiting' | 'running' | 'left' | 'done' | 'full' | 'late' | 'timeout' | 'aborted';

/** Somebody who wants a permit: a call, one whose function is synchronous, or code that holds the permit itself. */
export class Visitor {
  state: State = 'waiting';
  /** The call that an instant one makes as it ends, before anybody else learns that its permit is free. */
  brought: Visitor | undefined = undefined;
  /** Since when it has been in its state. */
  since: number;
  readonly by: 'call' | 'instant' | 'code';
  readonly priority: Urgency;
  readonly waitMs: number;
  readonly brings: Urgency | undefined;

  constructor(by: Visitor['by'], priority: Urgency, waitMs: number, now: number, brings: Urgency | undefined) {
    this.by = by;
    this.priority = priority;
    this.waitMs = waitMs;
    this.since = now;
    this.brings = brings;
  }

  get level(): number {
    return PRIORITIES.indexOf(this.priority);
  }

  /** When it waits or runs no longer, if nothing happens before. */
  get endsAt(): number {
    if (this.state === 'waiting') return this.since + this.waitMs;
    return this.state === 'running' && this.by === 'call' ? this.since + TIMEOUT_MS : Infinity;
  }
}

export class NaiveBulkhead {
  readonly visitors: Visitor[] = [];
  private now = 0;
  private admitting = false;
  private readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  of(...states: readonly State[]): Visitor[] {
    return this.visitors.filter(({ state }) => states.includes(state));
  }

  /** How many permits are taken. */
  get holding(): number {
    return this.of('running').length + (this.settings.releaseOn === 'settled' ? this.of('left').length : 0);
  }

  arrive(by: Visitor['by'], priority: Urgency, waitMs: number, brings?: Urgency): Visitor {
    const waiting = this.of('waiting');
    const visitor = new Visitor(by, priority, waitMs, this.now, brings);
    this.visitors.push(visitor);
    const mayOvertake = visitor.level <= 1 && waiting.every(({ level }) => level > visitor.level);
    const free = this.holding < this.settings.maxConcurrent;
    if (free && (waiting.length === 0 || mayOvertake)) this.start(visitor);
    else if (waitMs === 0) visitor.state = 'late';
    else if (waiting.length >= this.settings.maxQueue) visitor.state = 'full';
    return visitor;
  }

  end(visitor: Visitor, state: State): void {
    visitor.state = state;
    this.admit();
  }

  /** Time is up for somebody, or his caller gives up. A function that runs goes on. */
  abandon(visitor: Visitor, state: 'timeout' | 'aborted'): void {
    const runs = visitor.state === 'running' && visitor.by === 'call';
    this.end(visitor, runs ? 'left' : state);
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.visitors.filter(({ endsAt }) => endsAt <= until).sort((a, b) => a.endsAt - b.endsAt)[0];
      if (next === undefined) break;
      this.now = next.endsAt;
      if (next.state === 'waiting') this.end(next, 'late');
      else this.abandon(next, 'timeout');
    }
    this.now = until;
  }

  private admit(): void {
    if (this.admitting) return;
    this.admitting = true;
    while (this.holding < this.settings.maxConcurrent) {
      const next = this.of('waiting').sort((a, b) => a.level - b.level)[0];
      if (next === undefined) break;
      this.start(next);
    }
    this.admitting = false;
  }

  private start(visitor: Visitor): void {
    visitor.state = visitor.by === 'instant' ? 'done' : 'running';
    visitor.since = this.now;
    if (visitor.brings !== undefined) visitor.brought = this.arrive('instant', visitor.brings, CALL_WAIT_MS);
  }
}
