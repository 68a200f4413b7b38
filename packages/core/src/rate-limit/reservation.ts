/**
 * Reservations: whoever knows that a request will come takes its place in time beforehand. A reservation pays once, when
 * it is made; until its time comes it can be given back whole, and nobody else has its place.
 */
import type { Clock, MonotonicMs } from '../clock/clock.ts';
import { ListNode } from '../structures/intrusive-list.ts';
import type { Cost, Costs } from './cost.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import type { Commitment } from './limit.ts';
import { untilDue } from './until-due.ts';

/**
 * What has become of a reservation: `held`, and may still be given back; `committed`, by its holder; `settled`, by its
 * holder, who knew the cost; `cancelled`, and given back; `expired`, and so counted as used.
 */
export type ReservationState = 'held' | 'committed' | 'settled' | 'cancelled' | 'expired';

/** What a reservation is made with. */
export interface ReserveOptions {
  /** What it costs; default 1. */
  readonly cost?: Cost | undefined;
  /** How far ahead its time may lie, in milliseconds: 0 or more; default Infinity. */
  readonly maxWaitMs?: number | undefined;
  /** How long after its time it may still be given back or settled, in milliseconds: 0 or more; default 10 minutes. */
  readonly expiresMs?: number | undefined;
}

/** A place in time that is paid for. */
export interface Reservation {
  readonly reserved: true;
  readonly key: LimiterKey | undefined;
  readonly cost: Cost;
  readonly state: ReservationState;
  /** When its holder may go on, by the limiter's clock. */
  readonly executeAt: MonotonicMs;
  /** How long after it was made, or last delayed, that is, in milliseconds. */
  readonly delayMs: number;
  /** Until when it may be given back or settled, by the limiter's clock. After that it counts as used. */
  readonly expiresAt: MonotonicMs;
  /**
   * Gives it back: before its time all of it, as if it had never been made; after its time whatever time itself has not
   * given back already. False when it was not held any more.
   */
  cancel(): boolean;
  /** Says that it was used: it can't be given back any more. False when it was not held any more. */
  commit(): boolean;
  /**
   * Says what it has really cost, and that it was used. What was too much is given back as by {@link Reservation.cancel};
   * what was too little is charged now, as a debt where it does not fit. False when it was not held any more.
   *
   * @throws RangeError when the cost is none.
   */
  settle(actual: Cost): boolean;
  /**
   * Moves it to the first free place at least `ms` milliseconds after its time; `executeAt` and `delayMs` follow. False,
   * and nothing has changed, when it was not held any more, or when a limit has become too small for what it costs.
   *
   * @throws RangeError when `ms` is no number of at least 0.
   */
  delayBy(ms: number): boolean;
  /** Resolves when its time has come. Rejects with the signal's reason when that is aborted, and gives nothing back then. */
  ready(signal?: AbortSignal): Promise<void>;
}

/** A reservation that could not be made. */
export interface RefusedReservation {
  readonly reserved: false;
  /** What refused: the name of a limit, `ban`, `pause`, `deny-list`, or `reservations` where too many are held. */
  readonly limitName: string;
  /** After how many milliseconds it could be made, if nobody else takes anything; Infinity for never. */
  readonly retryAfterMs: number;
  /** The cost is above what ever fits at once. */
  readonly oversize: boolean;
}

/** The limiter that a reservation is held by. */
export interface ReservationHolder {
  readonly reservationClock: Clock;
  /** Gives it back and forgets it. */
  giveUp(reservation: HeldReservation): void;
  /** Forgets it; what it took stays taken. */
  letGo(reservation: HeldReservation): void;
  settleHeld(reservation: HeldReservation, actual: Cost): void;
  /** Moves it to the first free place from `fromMs` on; false when there is none. */
  move(reservation: HeldReservation, fromMs: number): boolean;
}

/** A reservation of a local limiter. */
export class HeldReservation extends ListNode implements Reservation {
  readonly reserved = true;
  readonly key: LimiterKey | undefined;
  readonly cost: Cost;
  /** @internal */
  readonly costs: Costs;
  /** @internal What it has taken, or will, from each limit; none where no limit was asked. */
  commitments: readonly Commitment[] = [];
  private readonly holder: ReservationHolder;
  private readonly expiresMs: number;
  private ending: ReservationState = 'held';
  private executeAtMs = 0;
  private delay = 0;

  constructor(
    holder: ReservationHolder,
    request: {
      readonly key: LimiterKey | undefined;
      readonly cost: Cost;
      readonly costs: Costs;
      readonly expiresMs: number;
    },
  ) {
    super();
    this.holder = holder;
    this.key = request.key;
    this.cost = request.cost;
    this.costs = request.costs;
    this.expiresMs = request.expiresMs;
  }

  get state(): ReservationState {
    if (this.ending === 'held' && this.holder.reservationClock.now() > this.expiresAt) this.end('expired');
    return this.ending;
  }

  get executeAt(): MonotonicMs {
    return this.executeAtMs as MonotonicMs;
  }

  get delayMs(): number {
    return this.delay;
  }

  get expiresAt(): MonotonicMs {
    return (this.executeAtMs + this.expiresMs) as MonotonicMs;
  }

  /** @internal Gives it its time and what it takes then. */
  place(executeAtMs: number, nowMs: number, commitments: readonly Commitment[]): void {
    this.executeAtMs = executeAtMs;
    this.delay = Math.max(0, executeAtMs - nowMs);
    this.commitments = commitments;
  }

  cancel(): boolean {
    if (this.state !== 'held') return false;
    this.ending = 'cancelled';
    this.holder.giveUp(this);
    return true;
  }

  commit(): boolean {
    if (this.state !== 'held') return false;
    this.end('committed');
    return true;
  }

  settle(actual: Cost): boolean {
    if (this.state !== 'held') return false;
    this.holder.settleHeld(this, actual);
    this.ending = 'settled';
    return true;
  }

  delayBy(ms: number): boolean {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`a delay must be a number of at least 0, not ${ms}`);
    if (this.state !== 'held') return false;
    return this.holder.move(this, this.executeAtMs + ms);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return untilDue(this.holder.reservationClock, () => this.executeAtMs, signal);
  }

  private end(state: 'committed' | 'expired'): void {
    this.ending = state;
    this.holder.letGo(this);
  }
}
