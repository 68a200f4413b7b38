import type { Clock, MonotonicMs } from '../../clock/clock.ts';
import type { Cost, Costs } from '../cost.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import type { Reservation, ReservationState } from '../reservation.ts';
import { untilDue } from '../until-due.ts';
import type { SharedReservation } from './shared-rate-limiter.ts';

/** The limiter that a reservation is held by. */
export interface SharedReservationHolder {
  readonly reservationClock: Clock;
  cancelHeld(reservation: StoredReservation): Promise<boolean>;
  commitHeld(reservation: StoredReservation): Promise<boolean>;
  settleHeld(reservation: StoredReservation, actual: Cost): Promise<boolean>;
  /** In how many milliseconds its time is then; undefined when it is not held any more. */
  moveHeld(reservation: StoredReservation, byMs: number): Promise<number | undefined>;
}

/** What a reservation was made with. */
export interface ReservationTerms {
  readonly id: string;
  readonly key: LimiterKey | undefined;
  readonly cost: Cost;
  readonly costs: Costs;
  readonly expiresMs: number;
}

/** A reservation that stands in the store. */
export class StoredReservation implements SharedReservation {
  readonly reserved = true;
  readonly degraded = false;
  readonly id: string;
  readonly key: LimiterKey | undefined;
  readonly cost: Cost;
  /** @internal */
  readonly costs: Costs;
  private readonly holder: SharedReservationHolder;
  private readonly expiresMs: number;
  private ending: ReservationState = 'held';
  private executeAtMs = 0;
  private delay = 0;

  constructor(holder: SharedReservationHolder, terms: ReservationTerms, delayMs: number) {
    this.holder = holder;
    this.id = terms.id;
    this.key = terms.key;
    this.cost = terms.cost;
    this.costs = terms.costs;
    this.expiresMs = terms.expiresMs;
    this.place(delayMs);
  }

  get state(): ReservationState {
    if (this.ending === 'held' && this.holder.reservationClock.now() > this.expiresAt) this.ending = 'expired';
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

  cancel(): Promise<boolean> {
    return this.end('cancelled', () => this.holder.cancelHeld(this));
  }

  commit(): Promise<boolean> {
    return this.end('committed', () => this.holder.commitHeld(this));
  }

  settle(actual: Cost): Promise<boolean> {
    return this.end('settled', () => this.holder.settleHeld(this, actual));
  }

  async delayBy(ms: number): Promise<boolean> {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`a delay must be a number of at least 0, not ${ms}`);
    if (this.state !== 'held') return false;
    const delayMs = await this.holder.moveHeld(this, ms);
    if (delayMs === undefined) return false;
    this.place(delayMs);
    return true;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return untilDue(this.holder.reservationClock, () => this.executeAtMs, signal);
  }

  /** Its state changes at once, so that two who end it don't both succeed; where the store fails it is held still. */
  private async end(state: ReservationState, tell: () => Promise<boolean>): Promise<boolean> {
    if (this.state !== 'held') return false;
    this.ending = state;
    try {
      const wasHeld = await tell();
      if (!wasHeld) this.ending = 'expired';
      return wasHeld;
    } catch (error) {
      this.ending = 'held';
      throw error;
    }
  }

  private place(delayMs: number): void {
    this.executeAtMs = this.holder.reservationClock.now() + delayMs;
    this.delay = delayMs;
  }
}

/** A reservation that a process has made by itself: the store was away, or it takes nothing. */
export class LocalReservation implements SharedReservation {
  readonly reserved = true;
  readonly degraded: boolean;
  private readonly made: Reservation;

  constructor(made: Reservation, degraded: boolean) {
    this.made = made;
    this.degraded = degraded;
  }

  get key(): LimiterKey | undefined {
    return this.made.key;
  }

  get cost(): Cost {
    return this.made.cost;
  }

  get state(): ReservationState {
    return this.made.state;
  }

  get executeAt(): MonotonicMs {
    return this.made.executeAt;
  }

  get delayMs(): number {
    return this.made.delayMs;
  }

  get expiresAt(): MonotonicMs {
    return this.made.expiresAt;
  }

  async cancel(): Promise<boolean> {
    return this.made.cancel();
  }

  async commit(): Promise<boolean> {
    return this.made.commit();
  }

  async settle(actual: Cost): Promise<boolean> {
    return this.made.settle(actual);
  }

  async delayBy(ms: number): Promise<boolean> {
    return this.made.delayBy(ms);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.made.ready(signal);
  }
}
