/** The place of one probe. */
export interface Lease {
  readonly expiresAt: number;
}

/** How a half-open breaker finds out whether the upstream is back. */
export interface ProbeRules {
  /** How many probes there are. */
  readonly probes: number;
  /** How many of them must succeed. */
  readonly needed: number;
  readonly leaseMs: number;
}

/**
 * Lets a few probes through, each under a lease, and refuses all other calls. It is decided as soon as enough of its
 * probes have succeeded, or too many have failed for enough to succeed.
 */
export class HalfOpen {
  readonly kind = 'half-open';
  since: number;
  private readonly rules: ProbeRules;
  /** The probes that are out, the oldest first. */
  private readonly leases: Set<Lease> = new Set();
  private succeeded = 0;
  private failed = 0;

  constructor(since: number, rules: ProbeRules) {
    this.since = since;
    this.rules = rules;
  }

  /** Whether another probe may go out: no more than `probes` are decided or under way. */
  get hasRoom(): boolean {
    return this.leases.size + this.succeeded + this.failed < this.rules.probes;
  }

  /** When a place becomes free at the latest: now where there is one, otherwise with the end of the oldest lease. */
  roomAt(now: number): number {
    const [oldest] = this.leases;
    return this.hasRoom ? now : oldest!.expiresAt;
  }

  /** How many probes have failed, and the ratio of those that are decided. */
  get failures(): { readonly count: number; readonly ratio: number } {
    const decided = this.succeeded + this.failed;
    return { count: this.failed, ratio: decided === 0 ? 0 : this.failed / decided };
  }

  /** Gives a place to a probe. */
  admit(now: number): Lease {
    const lease = { expiresAt: now + this.rules.leaseMs };
    this.leases.add(lease);
    return lease;
  }

  /** Takes the place back of a probe that has said nothing about the upstream. */
  release(lease: Lease): void {
    this.leases.delete(lease);
  }

  /** A probe has succeeded; true when enough have. */
  succeed(lease: Lease): boolean {
    if (!this.leases.delete(lease)) return false;
    return ++this.succeeded >= this.rules.needed;
  }

  /** A probe has failed, or its lease has ended; true when enough can't succeed any more. */
  fail(lease: Lease): boolean {
    if (!this.leases.delete(lease)) return false;
    return this.rules.probes - ++this.failed < this.rules.needed;
  }

  /** The probes whose leases have ended by `now`, the oldest first. */
  expired(now: number): readonly Lease[] {
    return [...this.leases].filter(({ expiresAt }) => expiresAt <= now);
  }
}

/** The least number of `all` whose ratio to it is at least `ratio`; a product of the two may be off by a rounding. */
export function leastCount(ratio: number, all: number): number {
  const count = Math.ceil(ratio * all);
  return (count - 1) / all >= ratio ? count - 1 : count;
}
