/** Makes reservations at the store, and speaks for them there. */
import type { Clock } from '../../clock/clock.ts';
import { type Cost, resolveCharge } from '../cost.ts';
import type { LimiterKey } from '../keys/limiter-key.ts';
import type { RefusedReservation } from '../reservation.ts';
import type { ReservationRequest } from '../reservation-desk.ts';
import { oversize } from './answers.ts';
import type { SharedCore } from './core.ts';
import type { LimitQuestion, LimitStore, StoreReserved } from './limit-store.ts';
import { type SharedReservationHolder, StoredReservation } from './shared-reservation.ts';

export class SharedDesk implements SharedReservationHolder {
  readonly reservationClock: Clock;
  private readonly core: SharedCore;

  constructor(core: SharedCore) {
    this.core = core;
    this.reservationClock = core.clock;
  }

  async reserve(request: ReservationRequest): Promise<StoredReservation | RefusedReservation> {
    const { key, cost, costs, expiresMs, maxWaitMs } = request;
    const question = this.core.questions.of(key, costs);
    const large = oversize(question);
    if (large !== undefined)
      return { reserved: false, limitName: large.limitName, retryAfterMs: Infinity, oversize: true };
    const id = this.core.nextId();
    const made = await this.ask(question, { id, maxWaitMs, expiresMs });
    const refused = refusalOf(question, made, maxWaitMs);
    if (refused !== undefined) return refused;
    return new StoredReservation(this, { id, key, cost, costs, expiresMs }, made.delayMs!);
  }

  /**
   * Asks for a place in time; nothing stands behind it in this process yet.
   *
   * @param sinceMs When the store was asked first about the same request.
   */
  ask(
    question: LimitQuestion,
    wants: { readonly id: string; readonly maxWaitMs: number; readonly expiresMs: number },
    sinceMs?: number,
  ): Promise<StoreReserved> {
    const { maxReservations: maxHeld } = this.core.options;
    return this.core.link.ask((store) => store.reserve(question, { ...wants, maxHeld }), sinceMs);
  }

  cancelHeld(reservation: StoredReservation): Promise<boolean> {
    return this.tell(reservation, (store, question) => store.cancel(question, reservation.id));
  }

  commitHeld(reservation: StoredReservation): Promise<boolean> {
    return this.tell(reservation, (store, question) => store.commit(question, reservation.id));
  }

  settleHeld({ id, key, costs }: StoredReservation, actual: Cost): Promise<boolean> {
    const { questions, link, record } = this.core;
    const question = questions.of(key, resolveCharge(actual, questions.names));
    const estimated = questions.of(key, costs);
    return link.ask(async (store) => {
      const wasHeld = await store.settle(question, id);
      if (wasHeld) tellSettled(record, key, estimated, question);
      return wasHeld;
    });
  }

  moveHeld(reservation: StoredReservation, byMs: number): Promise<number | undefined> {
    return this.tell(reservation, (store, question) => store.move(question, reservation.id, byMs));
  }

  private tell<T>(
    { key, costs }: StoredReservation,
    say: (store: LimitStore, question: LimitQuestion) => Promise<T>,
  ): Promise<T> {
    const question = this.core.questions.of(key, costs);
    return this.core.link.ask((store) => say(store, question));
  }
}

/** Tells of each limit what was charged for it in the end. */
export function tellSettled(
  record: SharedCore['record'],
  key: LimiterKey | undefined,
  estimated: LimitQuestion,
  actual: LimitQuestion,
): void {
  for (const [at, { numbers, cost }] of actual.limits.entries())
    record.settled(key, numbers.name, estimated.limits[at]!.cost, cost);
}

/** Why no reservation was made; undefined when one was. */
export function refusalOf(
  question: LimitQuestion,
  made: StoreReserved,
  maxWaitMs: number,
): RefusedReservation | undefined {
  if (made.delayMs === undefined) {
    if (made.hold === undefined)
      return { reserved: false, limitName: 'reservations', retryAfterMs: made.roomAfterMs ?? 0, oversize: false };
    const { cause, leftMs } = made.hold;
    return { reserved: false, limitName: cause, retryAfterMs: leftMs, oversize: false };
  }
  if (made.delayMs <= maxWaitMs) return undefined;
  const limitName = question.limits[made.slowest]!.numbers.name;
  const retryAfterMs = made.delayMs === Infinity ? Infinity : made.delayMs - maxWaitMs;
  return { reserved: false, limitName, retryAfterMs, oversize: made.delayMs === Infinity };
}
