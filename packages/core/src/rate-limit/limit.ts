/**
 * One limit of a limiter: a meter, the slots of its keys, and the reservations that are promised but not yet due.
 *
 * A reservation is not taken from the meter before its time comes: until then it stands in the ledger of its key, in
 * order of time, and whoever wants something must fit in between. Whether a request fits is found out by playing it
 * through: the meter's state, then all that is promised, each at its time. So two reservations never share a slot, one
 * that is cancelled leaves no trace whatsoever, and its place is there for the next.
 */
import {
  KEYLESS_SLOT,
  type LimitAlgorithm,
  type Meter,
  type MeterSettings,
  NO_SLOT,
  SCRATCH_SLOTS,
} from './algorithms/meter.ts';
import type { KeyTable } from './keys/key-table.ts';

/** What one request takes from one limit at a time of its own. */
export class Commitment {
  readonly limit: Limit;
  readonly key: string | undefined;
  cost: number;
  readonly atUs: number;
  /** Where the take stands, once it has been made. */
  mark: number = Number.NaN;
  /** Whether somebody may still give it back. */
  isHeld = true;

  constructor(limit: Limit, key: string | undefined, cost: number, atUs: number) {
    this.limit = limit;
    this.key = key;
    this.cost = cost;
    this.atUs = atUs;
  }
}

/** What is promised to one key, and what it has taken that may still be given back. */
interface Ledger {
  /** By time, the next first. */
  readonly pending: Commitment[];
  /** In the order in which they were taken. */
  readonly taken: Set<Commitment>;
}

const [BEFORE, AFTER, WITHOUT] = SCRATCH_SLOTS;
const LEDGERS_SWEPT = 2;

export class Limit {
  readonly name: string;
  /** By which parts of a key it counts: undefined for the whole, none for one budget for all. */
  readonly per: readonly string[] | undefined;
  readonly algorithm: LimitAlgorithm;
  readonly meter: Meter;
  /** Set once, by whoever puts limits together: those that count by the same parts share it. */
  table!: KeyTable;
  private readonly ledgers: Map<string | undefined, Ledger> = new Map();

  constructor(name: string, per: readonly string[] | undefined, algorithm: LimitAlgorithm, settings: MeterSettings) {
    this.name = name;
    this.per = per;
    this.algorithm = algorithm;
    this.meter = algorithm.createMeter(settings);
  }

  /** Whether anything is promised, or may still be given back. */
  get hasPromises(): boolean {
    return this.ledgers.size > 0;
  }

  /** After how many microseconds `cost` fits: 0 when it fits now, Infinity when it never does. */
  waitUs(key: string | undefined, cost: number, nowUs: number): number {
    if (this.ledgers.size === 0) return this.meter.waitUs(this.slot(key), cost, nowUs);
    return this.earliestUs(key, cost, nowUs, nowUs) - nowUs;
  }

  /** Takes `cost`; returns the slot that it was taken from. */
  take(key: string | undefined, cost: number, nowUs: number): number {
    if (this.ledgers.size > 0) this.takeDue(key, nowUs);
    const slot = this.slot(key);
    return cost > 0 ? this.takeFrom(slot, key, cost, nowUs) : slot;
  }

  /** Takes `cost` from the slot of `key`, which gets one where it has none. */
  takeFrom(slot: number, key: string | undefined, cost: number, nowUs: number): number {
    const own = slot === NO_SLOT ? this.table.add(key!, nowUs) : slot;
    this.meter.take(own, cost, nowUs);
    return own;
  }

  /** How much fits now, in the slot of `key`, beside all that is promised: a whole number of at least 0. */
  remaining(key: string | undefined, slot: number, nowUs: number): number {
    let most = this.meter.remaining(slot, nowUs);
    if (this.ledgers.size === 0 || !this.ledgers.has(key)) return most;
    for (let least = 0; least < most;) {
      const middle = Math.ceil((least + most) / 2);
      if (this.earliestUs(key, middle, nowUs, nowUs) === nowUs) least = middle;
      else most = middle - 1;
    }
    return most;
  }

  /** The slot of a key; NO_SLOT where it has none. */
  slot(key: string | undefined): number {
    return key === undefined ? KEYLESS_SLOT : this.table.find(key);
  }

  /** The first microsecond from `fromUs` on at which `cost` fits beside all that is promised; Infinity for never. */
  earliestUs(key: string | undefined, cost: number, fromUs: number, nowUs: number): number {
    const { meter } = this;
    if (cost > meter.maxCost) return Infinity;
    const pending = this.takeDue(key, nowUs)?.pending ?? [];
    meter.copy(this.slot(key), BEFORE);
    let from = fromUs;
    for (const [index, next] of pending.entries()) {
      const at = from > next.atUs ? Infinity : from + meter.waitUs(BEFORE, cost, from);
      if (at <= next.atUs && this.leavesRoom(pending, index, cost, at)) return at;
      meter.take(BEFORE, next.cost, next.atUs);
      from = Math.max(from, next.atUs);
    }
    return from + meter.waitUs(BEFORE, cost, from);
  }

  /** What is promised to `key` until `untilUs`. */
  promised(key: string | undefined, untilUs: number): number {
    let sum = 0;
    for (const { cost, atUs } of this.ledgers.get(key)?.pending ?? []) if (atUs <= untilUs) sum += cost;
    return sum;
  }

  /** Promises `cost` at `atUs`, which must have been found to fit. */
  commit(key: string | undefined, cost: number, atUs: number, nowUs: number): Commitment {
    this.sweep(nowUs);
    let ledger = this.ledgers.get(key);
    if (ledger === undefined) this.ledgers.set(key, (ledger = { pending: [], taken: new Set() }));
    const commitment = new Commitment(this, key, cost, atUs);
    let place = ledger.pending.length;
    while (place > 0 && ledger.pending[place - 1]!.atUs > atUs) place--;
    ledger.pending.splice(place, 0, commitment);
    this.takeDue(key, nowUs);
    return commitment;
  }

  /** Gives back `cost` of what was committed: all of it while it is only promised, what time has not given back after. */
  giveBack(commitment: Commitment, cost: number, nowUs: number): void {
    const ledger = this.takeDue(commitment.key, nowUs);
    if (ledger === undefined) return;
    if (!ledger.taken.has(commitment)) commitment.cost -= cost;
    else this.giveTaken(ledger, commitment, cost, nowUs);
  }

  /** Forgets a commitment that nothing will be given back of any more, or that has been given back whole. */
  release(commitment: Commitment): void {
    commitment.isHeld = false;
    const ledger = this.ledgers.get(commitment.key);
    if (ledger === undefined) return;
    ledger.taken.delete(commitment);
    // What is still to come is taken at its time, whether it may be given back or not.
    const place = commitment.cost > 0 ? -1 : ledger.pending.indexOf(commitment);
    if (place >= 0) ledger.pending.splice(place, 1);
    this.dropIfEmpty(commitment.key, ledger);
  }

  /** Takes `cost` off what `key` has taken, down to nothing. */
  forgive(key: string | undefined, cost: number, nowUs: number): void {
    this.takeDue(key, nowUs);
    const slot = this.slot(key);
    if (slot !== NO_SLOT) this.meter.forgive(slot, cost, nowUs);
  }

  /** Goes on with other numbers; what was taken stays taken, and may be given back as before. */
  update(settings: MeterSettings, nowUs: number): void {
    for (const key of [...this.ledgers.keys()]) this.takeDue(key, nowUs);
    const markNow = this.meter.update(settings, nowUs);
    for (const { taken } of this.ledgers.values()) {
      for (const commitment of taken) commitment.mark = markNow(commitment.mark);
    }
  }

  /** Makes `key` as if it had never been seen; what is promised for later stays promised. */
  forget(key: string | undefined, nowUs: number): void {
    this.takeDue(key, nowUs);
    if (key === undefined) this.meter.clear(KEYLESS_SLOT);
    else this.table.drop(key);
    const ledger = this.ledgers.get(key);
    if (ledger === undefined) return;
    ledger.taken.clear();
    this.dropIfEmpty(key, ledger);
  }

  /** Takes what has become due, each at its own time. */
  private takeDue(key: string | undefined, nowUs: number): Ledger | undefined {
    const ledger = this.ledgers.get(key);
    if (ledger === undefined) return undefined;
    for (let next = ledger.pending[0]; next !== undefined && next.atUs <= nowUs; next = ledger.pending[0]) {
      ledger.pending.shift();
      if (next.cost === 0) continue;
      const slot = this.takeFrom(this.slot(key), key, next.cost, next.atUs);
      next.mark = this.meter.mark(slot);
      if (next.isHeld) ledger.taken.add(next);
    }
    this.dropIfEmpty(key, ledger);
    return ledger;
  }

  private dropIfEmpty(key: string | undefined, ledger: Ledger): void {
    if (ledger.pending.length === 0 && ledger.taken.size === 0) this.ledgers.delete(key);
  }

  /** Keys that nobody asks about any more must not keep their ledgers: two are looked at for each new promise. */
  private sweep(nowUs: number): void {
    let looked = 0;
    for (const [key, ledger] of this.ledgers) {
      if (looked++ === LEDGERS_SWEPT) return;
      this.takeDue(key, nowUs);
      if (ledger.pending.length === 0 && ledger.taken.size === 0) continue;
      this.ledgers.delete(key);
      this.ledgers.set(key, ledger);
    }
  }

  private giveTaken(ledger: Ledger, commitment: Commitment, cost: number, nowUs: number): void {
    const slot = this.slot(commitment.key);
    if (slot === NO_SLOT) return;
    const moved = this.meter.give(slot, cost, commitment.mark, nowUs);
    commitment.cost -= cost;
    if (!this.meter.marksMove) return;
    let isLater = false;
    for (const other of ledger.taken) {
      if (isLater || other === commitment) other.mark -= moved;
      isLater ||= other === commitment;
    }
  }

  /**
   * Whether all that is promised from `index` on fits as soon as before when `cost` is taken at `atUs` first. A promise that
   * the limit has become too small for is in nobody's way: it is taken at its time, as a debt.
   */
  private leavesRoom(pending: readonly Commitment[], index: number, cost: number, atUs: number): boolean {
    const { meter } = this;
    meter.copy(BEFORE, WITHOUT);
    meter.copy(BEFORE, AFTER);
    meter.take(AFTER, cost, atUs);
    for (let at = index; at < pending.length; at++) {
      const { cost: promised, atUs: promisedAtUs } = pending[at]!;
      const waitUs = meter.waitUs(AFTER, promised, promisedAtUs);
      if (waitUs > 0 && waitUs > meter.waitUs(WITHOUT, promised, promisedAtUs)) return false;
      meter.take(AFTER, promised, promisedAtUs);
      meter.take(WITHOUT, promised, promisedAtUs);
    }
    return true;
  }
}
