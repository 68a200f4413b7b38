import type { MonotonicMs } from 'breakwater/clock';
import type { ResolvedUpstreamOptions } from './options.ts';
import { outageAt, type OutageMode } from './outages.ts';
import { SlidingLog } from './sliding-log.ts';

/** What is decided about a call when it arrives, before its body is read. */
export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'outage'; readonly mode: OutageMode }
  | { readonly kind: 'limited'; readonly retryAfterMs: number };

/** Credentials, outages and the limit, in this order: an API that is down checks nobody's rate. */
export class Gatekeeper {
  readonly #options: ResolvedUpstreamOptions;
  readonly #window: SlidingLog;
  readonly #startedAt: MonotonicMs;
  #firstCallAt: MonotonicMs | undefined;

  constructor(options: ResolvedUpstreamOptions) {
    this.#options = options;
    this.#window = new SlidingLog(options.limit?.periodMs ?? 1_000);
    this.#startedAt = options.clock.now();
  }

  /** What the outages count from; undefined until the first call where they count from it. */
  get originAt(): MonotonicMs | undefined {
    return this.#options.outagesFrom === 'start' ? this.#startedAt : this.#firstCallAt;
  }

  admit(now: MonotonicMs, authorization: string | undefined): Admission {
    this.#firstCallAt ??= now;
    const { auth, limit } = this.#options;
    if (auth !== undefined && authorization !== `Bearer ${auth}`) return { kind: 'unauthorized' };
    const mode = this.outageMode(now);
    if (mode !== undefined) return { kind: 'outage', mode };
    if (limit) {
      const retryAfterMs = this.#window.waitMs(now, limit.calls + (limit.burst ?? 0));
      if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };
      this.#window.add(now);
    }
    return { kind: 'admitted' };
  }

  outageMode(now: MonotonicMs): OutageMode | undefined {
    const origin = this.originAt;
    return origin === undefined ? undefined : outageAt(this.#options.outages, now - origin)?.mode;
  }
}
