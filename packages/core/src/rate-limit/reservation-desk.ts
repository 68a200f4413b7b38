import type { Clock } from '../clock/clock.ts';
import { IntrusiveList } from '../structures/intrusive-list.ts';
import { microseconds } from './algorithms/meter.ts';
import { type Cost, costAt, type Costs, resolveCharge, resolveCost } from './cost.ts';
import type { RateLimitDecision } from './decision.ts';
import type { LimiterKey } from './keys/limiter-key.ts';
import type { LimitSet } from './limit-set.ts';
import { checkedWaitMs } from './request.ts';
import {
  HeldReservation,
  type RefusedReservation,
  type ReservationHolder,
  type ReserveOptions,
} from './reservation.ts';

const US_PER_MS = 1_000;
const LOOKED_AT_WHEN_FULL = 16;

/** Told what becomes of reservations. */
export interface ReservationObserver {
  /** What `key` may take has grown otherwise than by time. */
  freed(key: LimiterKey | undefined): void;
  settled(key: LimiterKey | undefined, limitName: string, estimated: number, actual: number): void;
}

/** Who asks for a reservation. */
export interface ReservationRequest {
  readonly key: LimiterKey | undefined;
  readonly cost: Cost;
  readonly costs: Costs;
  readonly maxWaitMs: number;
  readonly expiresMs: number;
}

/** How long after its time a reservation may be given back, and a decision settled, unless told otherwise. */
export const EXPIRES_MS = 600_000;

/** @throws RangeError when what is asked for can't be meant. */
export function reservationRequest(
  key: LimiterKey | undefined,
  options: ReserveOptions | undefined,
  limitNames: readonly string[],
): ReservationRequest {
  const { cost = 1, expiresMs = EXPIRES_MS } = options ?? {};
  const maxWaitMs = checkedWaitMs(options?.maxWaitMs);
  if (!(expiresMs >= 0)) throw new RangeError(`expiresMs must be a number of at least 0, not ${expiresMs}`);
  return { key, cost, costs: resolveCost(cost, limitNames), maxWaitMs, expiresMs };
}

/** Keeps the reservations of a limiter: bounded, and without a timer, since one that has expired needs nobody to act. */
export class ReservationDesk implements ReservationHolder {
  readonly reservationClock: Clock;
  private readonly limits: LimitSet;
  private readonly observer: ReservationObserver;
  private readonly maxHeld: number;
  private readonly held: IntrusiveList<HeldReservation> = new IntrusiveList();
  private readonly byDecision: WeakMap<RateLimitDecision, HeldReservation> = new WeakMap();
  private count = 0;

  constructor(limits: LimitSet, clock: Clock, observer: ReservationObserver, maxHeld: number) {
    this.limits = limits;
    this.reservationClock = clock;
    this.observer = observer;
    this.maxHeld = maxHeld;
  }

  /** How many are held. */
  get size(): number {
    return this.count;
  }

  /**
   * Makes a reservation at the first moment at which it fits.
   *
   * @param verdict What has been decided about the key without asking the limits.
   * @param fromMs Not before then, because of others.
   */
  reserve(
    request: ReservationRequest,
    verdict: RateLimitDecision | undefined,
    fromMs: number,
    nowMs: number,
  ): HeldReservation | RefusedReservation {
    if (verdict?.allowed === true) return this.holdFree(request, nowMs);
    if (verdict !== undefined && verdict.limitName !== 'pause')
      return { reserved: false, limitName: verdict.limitName, retryAfterMs: verdict.retryAfterMs, oversize: false };
    const atMs = this.earliestMs(request, Math.max(fromMs, nowMs + (verdict?.retryAfterMs ?? 0)), nowMs);
    const tooLateMs = atMs === Infinity ? Infinity : atMs - nowMs - request.maxWaitMs;
    if (tooLateMs > 0) {
      const { name } = this.limits.slowest(request.key, request.costs, nowMs);
      return { reserved: false, limitName: name, retryAfterMs: tooLateMs, oversize: atMs === Infinity };
    }
    const roomAfterMs = this.roomAfterMs(nowMs);
    if (roomAfterMs > 0)
      return { reserved: false, limitName: 'reservations', retryAfterMs: roomAfterMs, oversize: false };
    return this.hold(request, atMs, nowMs);
  }

  /** In how many milliseconds there is room for another: 0 when there is now. */
  roomAfterMs(nowMs: number): number {
    if (this.count < this.maxHeld) return 0;
    let endsAt = Infinity;
    let looked = 0;
    for (const reservation of this.held) {
      // Looking at one that has expired drops it.
      if (reservation.state !== 'held') continue;
      endsAt = Math.min(endsAt, reservation.expiresAt);
      if (++looked === LOOKED_AT_WHEN_FULL) break;
    }
    return this.count < this.maxHeld ? 0 : endsAt - nowMs;
  }

  /** The first moment from `fromMs` on at which the request fits, in milliseconds; Infinity for never. */
  earliestMs({ key, costs }: Pick<ReservationRequest, 'key' | 'costs'>, fromMs: number, nowMs: number): number {
    const nowUs = microseconds(nowMs);
    const fromUs = Math.max(nowUs, microseconds(fromMs));
    const atUs = this.limits.earliestUs(key, costs, fromUs, nowUs);
    return atUs === nowUs ? nowMs : atUs / US_PER_MS;
  }

  /** Makes a reservation at a moment that was found to fit. */
  hold(request: ReservationRequest, atMs: number, nowMs: number): HeldReservation {
    const reservation = new HeldReservation(this, request);
    this.place(reservation, atMs, nowMs);
    this.held.append(reservation);
    this.count++;
    return reservation;
  }

  /** Makes one that takes nothing, and so needs no keeping: no limit concerns its key. */
  holdFree(request: ReservationRequest, nowMs: number): HeldReservation {
    const reservation = new HeldReservation(this, request);
    reservation.place(nowMs, nowMs, []);
    return reservation;
  }

  /** Remembers which reservation stands behind a decision that may be settled. */
  bind(decision: RateLimitDecision, reservation: HeldReservation): void {
    this.byDecision.set(decision, reservation);
  }

  behind(decision: RateLimitDecision): HeldReservation | undefined {
    return this.byDecision.get(decision);
  }

  giveUp(reservation: HeldReservation): void {
    this.giveAllBack(reservation);
    this.forget(reservation);
    this.observer.freed(reservation.key);
  }

  letGo(reservation: HeldReservation): void {
    for (const commitment of reservation.commitments) commitment.limit.release(commitment);
    this.forget(reservation);
  }

  settleHeld(reservation: HeldReservation, actual: Cost): void {
    const actualCosts = resolveCharge(actual, this.limits.names);
    const nowUs = microseconds(this.reservationClock.now());
    for (const [index, commitment] of reservation.commitments.entries()) {
      const estimated = costAt(reservation.costs, index);
      const cost = costAt(actualCosts, index);
      if (cost < estimated) commitment.limit.giveBack(commitment, estimated - cost, nowUs);
      else if (cost > estimated) commitment.limit.take(commitment.key, cost - estimated, nowUs);
      this.observer.settled(reservation.key, commitment.limit.name, estimated, cost);
    }
    this.letGo(reservation);
    this.observer.freed(reservation.key);
  }

  move(reservation: HeldReservation, fromMs: number): boolean {
    const nowMs = this.reservationClock.now();
    if (reservation.commitments.length === 0) {
      reservation.place(fromMs, nowMs, []);
      return true;
    }
    if (this.limits.oversizeLimit(reservation.costs) !== undefined) return false;
    this.giveAllBack(reservation);
    this.place(reservation, this.earliestMs(reservation, fromMs, nowMs), nowMs);
    this.observer.freed(reservation.key);
    return true;
  }

  private place(reservation: HeldReservation, atMs: number, nowMs: number): void {
    const { key, costs } = reservation;
    const commitments = this.limits.commit(key, costs, microseconds(atMs), microseconds(nowMs));
    reservation.place(atMs, nowMs, commitments);
  }

  private giveAllBack({ commitments }: HeldReservation): void {
    const nowUs = microseconds(this.reservationClock.now());
    for (const commitment of commitments) {
      commitment.limit.giveBack(commitment, commitment.cost, nowUs);
      commitment.limit.release(commitment);
    }
  }

  private forget(reservation: HeldReservation): void {
    if (this.held.remove(reservation)) this.count--;
  }
}
