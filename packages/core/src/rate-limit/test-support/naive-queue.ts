/**
 * Waiting, as plainly as it can be told: one key, a list of those who wait, and a count by definition. After each event
 * whoever's turn it is goes on for as long as it fits; time goes from one such moment, or end of a wait, to the next.
 */
import { earliestUs, type NaiveCount, type NaiveNumbers, type NaiveTake } from './naive-counts.ts';

/** A fiftieth of what passes somebody over is his. */
const FLOOR_PARTS = 50;

/** Somebody who waits, or may have to. */
export interface Waiting {
  readonly id: number;
  readonly level: number;
  readonly cost: number;
  readonly weight: number;
  readonly settles: boolean;
  readonly untilUs: number;
}

/** How a wait ended (`admitted`, `wait`, `too large`), and at which microsecond. */
export type Ending = readonly [how: string, atUs: number];

export class NaiveQueue {
  readonly endings: Map<number, Ending> = new Map();
  /** Who was admitted from the queue, in order. */
  readonly order: number[] = [];
  readonly takes: Map<number, NaiveTake> = new Map();
  pausedUntilUs = 0;
  private readonly count: NaiveCount;
  private waiting: readonly Waiting[] = [];
  /** What was served past the longest of the less urgent, in weights. */
  private passedOver = 0;

  constructor(count: NaiveCount) {
    this.count = count;
  }

  /** Decides at once: whether it goes on now. */
  tries({ id, level, cost }: Pick<Waiting, 'id' | 'level' | 'cost'>, nowUs: number): boolean {
    const isBehind = this.waiting.some((each) => each.level <= level) || this.floorTurn(level) !== undefined;
    if (isBehind || nowUs < this.pausedUntilUs || !this.count.fits(cost, nowUs)) return false;
    this.takes.set(id, this.count.take(cost, nowUs));
    if (this.waiting.length > 0) this.served(level, cost / this.count.maxCost);
    return true;
  }

  /** When a newcomer would be admitted if nobody came or left any more: it is not promised a turn by the floor. */
  foreseenUs(newcomer: Omit<Waiting, 'weight'>, nowUs: number): number {
    return Math.max(this.played(newcomer, nowUs, this.passedOver), this.played(newcomer, nowUs, -Infinity));
  }

  private played(newcomer: Omit<Waiting, 'weight'>, nowUs: number, passedOver: number): number {
    const played = new NaiveQueue(copyOf(this.count));
    played.pausedUntilUs = this.pausedUntilUs;
    played.passedOver = passedOver;
    played.waiting = this.waiting.map((each) => ({ ...each, untilUs: Infinity }));
    played.waits({ ...newcomer, untilUs: Infinity });
    played.passTo(Infinity, nowUs);
    return played.endings.get(newcomer.id)![1];
  }

  /** When a bucket would be through with all who come before a newcomer for sure. */
  soonestUs({ level, cost }: Omit<Waiting, 'weight'>, nowUs: number): number {
    const copy = copyOf(this.count);
    for (const ahead of this.waiting) if (ahead.level <= level) copy.take(ahead.cost, nowUs);
    return Math.max(this.pausedUntilUs, earliestUs(copy, cost, nowUs));
  }

  waits(newcomer: Omit<Waiting, 'weight'>): void {
    this.waiting = [...this.waiting, { ...newcomer, weight: newcomer.cost / this.count.maxCost }];
  }

  withdraw(id: number): void {
    this.leave(this.waiting.find((each) => each.id === id)!);
  }

  isWaiting(id: number): boolean {
    return this.waiting.some((each) => each.id === id);
  }

  settle(id: number, cost: number, actual: number, nowUs: number): void {
    const take = this.takes.get(id)!;
    this.takes.delete(id);
    if (actual < cost) this.count.giveBack(take, cost - actual, nowUs);
    else if (actual > cost) this.count.take(actual - cost, nowUs);
  }

  change(numbers: NaiveNumbers, nowUs: number): void {
    this.count.change(numbers, nowUs);
  }

  penalise(cost: number, nowUs: number): void {
    this.count.take(cost, nowUs);
  }

  /** Everything that happens until `untilUs`. */
  passTo(untilUs: number, startUs: number): void {
    for (let nowUs = startUs; ;) {
      this.serve(nowUs);
      const turn = this.turn();
      if (turn === undefined) return;
      const fromUs = Math.max(nowUs, this.pausedUntilUs);
      const triesAtUs = turn.cost > this.count.maxCost ? fromUs : earliestUs(this.count, turn.cost, fromUs);
      const first = this.waiting.reduce((one, other) => (other.untilUs < one.untilUs ? other : one));
      nowUs = Math.min(triesAtUs, first.untilUs);
      if (nowUs > untilUs) return;
      this.serve(nowUs);
      if (first.untilUs === nowUs && this.waiting.includes(first)) this.end(first, 'wait', nowUs);
    }
  }

  private serve(nowUs: number): void {
    for (let turn = this.turn(); turn !== undefined; turn = this.turn()) {
      if (nowUs < this.pausedUntilUs) return;
      if (turn.cost > this.count.maxCost) this.end(turn, 'refused', nowUs);
      else if (!this.count.fits(turn.cost, nowUs)) return;
      else this.admit(turn, nowUs);
    }
  }

  private admit(turn: Waiting, nowUs: number): void {
    this.takes.set(turn.id, this.count.take(turn.cost, nowUs));
    this.served(turn.level, turn.weight);
    this.order.push(turn.id);
    this.end(turn, 'admitted', nowUs);
  }

  private end(waiting: Waiting, how: string, nowUs: number): void {
    // Who has become too large while he waited is told so, whenever he is told.
    this.endings.set(waiting.id, [waiting.cost > this.count.maxCost ? 'too large' : how, nowUs]);
    this.leave(waiting);
  }

  private leave(waiting: Waiting): void {
    this.waiting = this.waiting.filter((each) => each !== waiting);
    if (this.waiting.length === 0) this.passedOver = 0;
  }

  private turn(): Waiting | undefined {
    if (this.waiting.length === 0) return undefined;
    const level = Math.min(...this.waiting.map((each) => each.level));
    return this.floorTurn(level) ?? this.waiting.find((each) => each.level === level);
  }

  private floorTurn(level: number): Waiting | undefined {
    const longest = this.waiting.find((each) => each.level > level);
    if (longest === undefined || this.passedOver === 0) return undefined;
    return this.passedOver >= (FLOOR_PARTS - 1) * longest.weight - 1e-9 ? longest : undefined;
  }

  private served(level: number, weight: number): void {
    if (this.waiting.some((each) => each.level < level))
      this.passedOver = Math.max(0, this.passedOver - (FLOOR_PARTS - 1) * weight);
    else if (this.waiting.some((each) => each.level > level)) this.passedOver += weight;
    else this.passedOver = 0;
  }
}

function copyOf(count: NaiveCount): NaiveCount {
  return Object.assign(Object.create(Object.getPrototypeOf(count)), structuredClone({ ...count })) as NaiveCount;
}
