/** Who is let in or kept out whatever the limits say: lists, bans and pauses. */
import { decisionApart, type RateLimitDecision } from './decision.ts';
import { type LimiterKey, wholeKey } from './keys/limiter-key.ts';

/** Some keys: a list, or a function that tells. The key is undefined for requests without one. */
export type KeyList = readonly string[] | ((key: LimiterKey | undefined) => boolean);

type Membership = (key: LimiterKey | undefined) => boolean;

const EXPIRED_SWEPT = 2;

export class Access {
  /** Whether there is nothing to ask about. */
  isOpen: boolean;
  private readonly isAllowed: Membership | undefined;
  private readonly isDenied: Membership | undefined;
  private readonly maxBans: number;
  private readonly bans: Map<string | undefined, number> = new Map();
  private readonly pauses: Map<string | undefined, number> = new Map();

  /** @param maxBans How many bans, and how many pauses, are remembered: a new one drives out the one that ends first of a few. */
  constructor(allow: KeyList | undefined, deny: KeyList | undefined, maxBans: number) {
    this.isAllowed = membershipOf(allow);
    this.isDenied = membershipOf(deny);
    this.maxBans = maxBans;
    this.isOpen = allow === undefined && deny === undefined;
  }

  /** Refuses `key` until `untilMs`. */
  ban(key: LimiterKey | undefined, untilMs: number, nowMs: number): void {
    this.isOpen = false;
    remember(this.bans, wholeKey(key), untilMs, nowMs, this.maxBans);
  }

  /** Holds back a whole contest until `untilMs`, where it is not held back longer already. */
  pause(contest: string | undefined, untilMs: number, nowMs: number): void {
    this.isOpen = false;
    const longer = Math.max(untilMs, this.pauses.get(contest) ?? 0);
    remember(this.pauses, contest, longer, nowMs, this.maxBans);
  }

  lift(key: LimiterKey | undefined, contest: string | undefined): void {
    this.bans.delete(wholeKey(key));
    this.pauses.delete(contest);
    this.openWhenEmpty();
  }

  /** What is decided already, without asking any limit; undefined when nothing is. */
  verdict(key: LimiterKey | undefined, contest: string | undefined, nowMs: number): RateLimitDecision | undefined {
    if (this.isDenied?.(key) === true) return decisionApart('deny-list', false, Infinity);
    if (this.isAllowed?.(key) === true) return decisionApart('allow-list', true, 0);
    const bannedMs = leftOf(this.bans, this.bans.size === 0 ? undefined : wholeKey(key), nowMs);
    if (bannedMs > 0) return decisionApart('ban', false, bannedMs);
    const pausedMs = leftOf(this.pauses, contest, nowMs);
    if (pausedMs > 0) return decisionApart('pause', false, pausedMs);
    this.openWhenEmpty();
    return undefined;
  }

  private openWhenEmpty(): void {
    const { isAllowed, isDenied, bans, pauses } = this;
    this.isOpen = isAllowed === undefined && isDenied === undefined && bans.size === 0 && pauses.size === 0;
  }
}

function membershipOf(list: KeyList | undefined): Membership | undefined {
  if (list === undefined || typeof list === 'function') return list;
  const keys: ReadonlySet<string> = new Set(list);
  return (key) => key !== undefined && keys.has(wholeKey(key)!);
}

/** How long an entry still holds; one that has ended is dropped. */
function leftOf(entries: Map<string | undefined, number>, key: string | undefined, nowMs: number): number {
  const until = entries.size === 0 ? undefined : entries.get(key);
  if (until === undefined) return 0;
  if (until > nowMs) return until - nowMs;
  entries.delete(key);
  return 0;
}

function remember(
  entries: Map<string | undefined, number>,
  key: string | undefined,
  untilMs: number,
  nowMs: number,
  most: number,
): void {
  let looked = 0;
  for (const [other, until] of entries) {
    if (looked++ === EXPIRED_SWEPT) break;
    entries.delete(other);
    // Those that hold still go to the back, so that the next look is at others.
    if (until > nowMs) entries.set(other, until);
  }
  entries.delete(key);
  if (entries.size >= most) entries.delete(firstToEnd(entries));
  entries.set(key, untilMs);
}

function firstToEnd(entries: ReadonlyMap<string | undefined, number>): string | undefined {
  let [first, firstUntil]: [string | undefined, number] = [undefined, Infinity];
  let looked = 0;
  for (const [key, until] of entries) {
    if (until < firstUntil) [first, firstUntil] = [key, until];
    if (++looked === 16) break;
  }
  return first;
}
