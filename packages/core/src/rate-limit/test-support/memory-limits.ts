/** A store of limits in memory, on a clock of its own: what a shared limiter's store does, without a server, and as a test wants it. */
import type { Clock } from '../../clock/clock.ts';
import { microseconds } from '../algorithms/meter.ts';
import { KeyTable } from '../keys/key-table.ts';
import { type Commitment, Limit } from '../limit.ts';
import type {
  AskedLimit,
  LimitAnswer,
  LimitHold,
  LimitQuestion,
  LimitReading,
  LimitStore,
  LimitStoreSource,
  StoreReservation,
  StoreReserved,
} from '../shared/limit-store.ts';

const US_PER_MS = 1_000;

interface Held {
  readonly commitments: readonly Commitment[];
  readonly atMs: number;
  readonly expiresMs: number;
}

/** How the store behaves, to be changed at any time. */
export interface MemoryBehaviour {
  /** Rejects with this instead of answering. */
  error: Error | undefined;
  /** Never answers. */
  hangs: boolean;
  /** How long an answer takes. */
  latencyMs: number;
}

export class MemoryLimits implements LimitStore, LimitStoreSource {
  readonly name = 'memory';
  readonly behaviour: MemoryBehaviour = { error: undefined, hangs: false, latencyMs: 0 };
  /** What it was asked, in order: `decide`, `lease`, … */
  readonly asked: string[] = [];
  private readonly clock: Clock;
  private readonly limits: Map<string, Limit> = new Map();
  private readonly holds: Map<string, { readonly cause: LimitHold['cause']; readonly untilMs: number }> = new Map();
  private readonly held: Map<string, Held> = new Map();
  private readonly told: Map<string, string> = new Map();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  open(): LimitStore {
    return this;
  }

  decide(question: LimitQuestion, commit: boolean): Promise<LimitAnswer> {
    return this.answer(commit ? 'decide' : 'check', () => this.grant(question, commit ? [] : undefined));
  }

  lease(question: LimitQuestion, wanted: readonly number[]): Promise<LimitAnswer> {
    return this.answer('lease', () => this.grant(question, wanted));
  }

  charge(question: LimitQuestion): Promise<unknown> {
    return this.answer('charge', () =>
      this.each(question, (limit, { key, cost }) => limit.take(key, cost, this.nowUs)),
    );
  }

  lower(question: LimitQuestion): Promise<unknown> {
    return this.answer('lower', () =>
      this.each(question, (limit, { key, cost }) => {
        const tooMuch = limit.remaining(key, limit.slot(key), this.nowUs) - cost;
        if (cost >= 0 && tooMuch > 0) limit.take(key, tooMuch, this.nowUs);
      }),
    );
  }

  forgive(question: LimitQuestion): Promise<unknown> {
    return this.answer('forgive', () =>
      this.each(question, (limit, { key, cost }) => limit.forgive(key, cost, this.nowUs)),
    );
  }

  forget(question: LimitQuestion): Promise<unknown> {
    return this.answer('forget', () => {
      this.each(question, (limit, { key }) => limit.forget(key, this.nowUs));
      this.holds.delete(`pause ${question.contest}`);
      this.holds.delete(`ban ${question.key}`);
    });
  }

  hold({ contest, key }: LimitQuestion, cause: LimitHold['cause'], durationMs: number): Promise<unknown> {
    return this.answer('hold', () => {
      this.holds.set(cause === 'ban' ? `ban ${key}` : `pause ${contest}`, {
        cause,
        untilMs: this.clock.now() + durationMs,
      });
    });
  }

  reserve(question: LimitQuestion, { id, maxWaitMs, expiresMs, maxHeld }: StoreReservation): Promise<StoreReserved> {
    return this.answer('reserve', () => {
      const hold = this.holdOf(question);
      if (hold?.cause === 'ban') return { hold, full: false, delayMs: undefined };
      if (this.held.size >= maxHeld) {
        const endsAtMs = Math.min(...[...this.held.values()].map((held) => held.atMs + held.expiresMs));
        return { hold: undefined, full: true, roomAfterMs: endsAtMs - this.clock.now(), delayMs: undefined };
      }
      const [atUs, slowest] = this.earliestUs(question, this.nowUs + (hold?.leftMs ?? 0) * US_PER_MS);
      const delayMs = (atUs - this.nowUs) / US_PER_MS;
      if (delayMs <= maxWaitMs) this.promise(question, id, atUs, expiresMs);
      return { hold: undefined, full: false, delayMs, slowest, readings: this.readings(question, delayMs, []) };
    });
  }

  cancel(_question: LimitQuestion, id: string): Promise<boolean> {
    return this.answer('cancel', () => {
      const held = this.stillHeld(id);
      for (const commitment of held?.commitments ?? []) {
        commitment.limit.giveBack(commitment, commitment.cost, this.nowUs);
        commitment.limit.release(commitment);
      }
      return this.held.delete(id) && held !== undefined;
    });
  }

  commit(_question: LimitQuestion, id: string): Promise<boolean> {
    return this.answer('commit', () => {
      const held = this.stillHeld(id);
      for (const commitment of held?.commitments ?? []) commitment.limit.release(commitment);
      return this.held.delete(id) && held !== undefined;
    });
  }

  settle(question: LimitQuestion, id: string): Promise<boolean> {
    return this.answer('settle', () => {
      const held = this.stillHeld(id);
      if (held === undefined) return false;
      for (const [at, commitment] of held.commitments.entries()) {
        const { cost } = question.limits[at]!;
        const less = commitment.cost - cost;
        if (less > 0) commitment.limit.giveBack(commitment, less, this.nowUs);
        else if (less < 0) commitment.limit.take(commitment.key, -less, this.nowUs);
        commitment.limit.release(commitment);
      }
      return this.held.delete(id);
    });
  }

  move(question: LimitQuestion, id: string, byMs: number): Promise<number | undefined> {
    return this.answer('move', () => {
      const held = this.stillHeld(id);
      if (held === undefined) return undefined;
      for (const commitment of held.commitments) {
        commitment.limit.giveBack(commitment, commitment.cost, this.nowUs);
        commitment.limit.release(commitment);
      }
      const [atUs] = this.earliestUs(question, Math.max(this.nowUs, microseconds(held.atMs + byMs)));
      this.promise(question, id, atUs, held.expiresMs);
      return (atUs - this.nowUs) / US_PER_MS;
    });
  }

  tellNumbers(limitName: string, text: string): Promise<unknown> {
    return this.answer('tellNumbers', () => this.told.set(limitName, text));
  }

  /** Looks are not among what was asked: they come by themselves. */
  async numbers(limitName: string): Promise<string | undefined> {
    const { error, hangs } = this.behaviour;
    if (hangs) return new Promise(() => undefined);
    if (error !== undefined) throw error;
    return this.told.get(limitName);
  }

  ping(): Promise<unknown> {
    return this.answer('ping', () => undefined);
  }

  private get nowUs(): number {
    return microseconds(this.clock.now());
  }

  private async answer<T>(what: string, work: () => T): Promise<T> {
    this.asked.push(what);
    const { error, hangs, latencyMs } = this.behaviour;
    if (hangs) return new Promise<T>(() => undefined);
    if (latencyMs > 0) await new Promise<void>((resolve) => void this.clock.setTimer(latencyMs, resolve));
    if (error !== undefined) throw error;
    return work();
  }

  private grant(question: LimitQuestion, wanted: readonly number[] | undefined): LimitAnswer {
    const hold = this.holdOf(question);
    if (hold !== undefined) return { hold };
    const waits = question.limits.map((asked) => this.limitOf(asked).waitUs(asked.key, asked.cost, this.nowUs));
    if (wanted === undefined || waits.some((waitUs) => waitUs > 0))
      return {
        hold: undefined,
        readings: question.limits.map((asked, at) => this.reading(asked, waits[at]! / US_PER_MS, 0)),
      };
    const granted = question.limits.map((asked, at) => {
      const limit = this.limitOf(asked);
      const left = limit.remaining(asked.key, limit.slot(asked.key), this.nowUs);
      const amount = Math.max(asked.cost, Math.min(wanted[at] ?? 0, left));
      limit.take(asked.key, amount, this.nowUs);
      return amount;
    });
    return { hold: undefined, readings: this.readings(question, 0, granted) };
  }

  private readings(question: LimitQuestion, waitMs: number, granted: readonly number[]): readonly LimitReading[] {
    return question.limits.map((asked, at) => this.reading(asked, waitMs, granted[at] ?? 0));
  }

  private reading(asked: AskedLimit, waitMs: number, granted: number): LimitReading {
    const limit = this.limitOf(asked);
    const slot = limit.slot(asked.key);
    const remaining = limit.remaining(asked.key, slot, this.nowUs);
    return { waitMs, remaining, resetMs: limit.meter.resetUs(slot, this.nowUs) / US_PER_MS, granted };
  }

  private earliestUs(question: LimitQuestion, fromUs: number): readonly [atUs: number, slowest: number] {
    let slowest = 0;
    for (let at = fromUs; ;) {
      let latest = at;
      for (const [index, asked] of question.limits.entries()) {
        const own = this.limitOf(asked).earliestUs(asked.key, asked.cost, at, this.nowUs);
        if (own > latest) [latest, slowest] = [own, index];
      }
      if (latest === at || latest === Infinity) return [latest, slowest];
      at = latest;
    }
  }

  private promise(question: LimitQuestion, id: string, atUs: number, expiresMs: number): void {
    const commitments = question.limits.map((asked) =>
      this.limitOf(asked).commit(asked.key, asked.cost, atUs, this.nowUs),
    );
    this.held.set(id, { commitments, atMs: atUs / US_PER_MS, expiresMs });
  }

  private stillHeld(id: string): Held | undefined {
    const held = this.held.get(id);
    return held !== undefined && this.clock.now() <= held.atMs + held.expiresMs ? held : undefined;
  }

  private holdOf({ contest, key }: LimitQuestion): LimitHold | undefined {
    for (const name of [`ban ${key}`, `pause ${contest}`]) {
      const hold = this.holds.get(name);
      const leftMs = (hold?.untilMs ?? 0) - this.clock.now();
      if (hold !== undefined && leftMs > 0) return { cause: hold.cause, leftMs };
    }
    return undefined;
  }

  private each(question: LimitQuestion, tell: (limit: Limit, asked: AskedLimit) => void): void {
    for (const asked of question.limits) tell(this.limitOf(asked), asked);
  }

  private limitOf({ numbers }: AskedLimit): Limit {
    let limit = this.limits.get(numbers.name);
    if (limit === undefined) {
      limit = new Limit(numbers.name, numbers.per, numbers.algorithm, numbers);
      limit.table = new KeyTable([limit.meter], 100_000, () => undefined);
      this.limits.set(numbers.name, limit);
    }
    return limit;
  }
}
