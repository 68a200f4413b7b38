/** What is known of a key's shards from the last answers: it need not be right to choose by, only not to promise by. */
import type { RateLimitDecision } from '../decision.ts';

interface Known {
  /** What was left of each shard; Infinity where nobody has asked. */
  readonly remaining: Float64Array;
  /** Until when each shard has nothing for a request of `dryCosts`. */
  readonly dryUntilMs: Float64Array;
  readonly dryCosts: Float64Array;
}

export class KnownShards {
  private readonly shards: number;
  private readonly maxKeys: number;
  private readonly keys: Map<string | undefined, Known> = new Map();

  constructor(shards: number, maxKeys: number) {
    this.shards = shards;
    this.maxKeys = maxKeys;
  }

  remaining(key: string | undefined, shard: number): number {
    return this.keys.get(key)?.remaining[shard] ?? Infinity;
  }

  /** For how many milliseconds a shard is known to have nothing for `cost`. */
  dryMs(key: string | undefined, shard: number, cost: number, nowMs: number): number {
    const known = this.keys.get(key);
    if (known === undefined || known.dryCosts[shard]! > cost) return 0;
    return Math.max(0, known.dryUntilMs[shard]! - nowMs);
  }

  learn(key: string | undefined, shard: number, cost: number, decision: RateLimitDecision, nowMs: number): void {
    let known = this.keys.get(key);
    if (known === undefined) {
      if (this.keys.size >= this.maxKeys) this.keys.delete(this.keys.keys().next().value);
      known = {
        remaining: new Float64Array(this.shards).fill(Infinity),
        dryUntilMs: new Float64Array(this.shards),
        dryCosts: new Float64Array(this.shards),
      };
      this.keys.set(key, known);
    }
    known.remaining[shard] = decision.remaining;
    known.dryUntilMs[shard] = decision.allowed ? 0 : nowMs + decision.retryAfterMs;
    known.dryCosts[shard] = cost;
  }

  forget(key: string | undefined): void {
    this.keys.delete(key);
  }
}
