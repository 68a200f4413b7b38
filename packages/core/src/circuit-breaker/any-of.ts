import type { TripRule, TripWindow } from './trip-rule.ts';

/**
 * Several rules as one: each counts every call, and the breaker opens when any of them says so. Failures and throughput
 * are those of the first rule; the slow calls, and the share of calls to refuse, come from whichever rules know them.
 */
export function anyOf(rules: readonly TripRule[]): TripRule {
  const [only] = rules;
  if (rules.length === 1) return only!;
  const slowest = rules.flatMap(({ slowCallMs }) => (slowCallMs === undefined ? [] : [slowCallMs]));
  return Object.freeze({
    kind: rules.map(({ kind }) => kind).join('+'),
    timed: rules.some(({ timed }) => timed),
    slowCallMs: slowest.length === 0 ? undefined : Math.min(...slowest),
    createWindow: () => new Windows(rules.map((rule) => rule.createWindow())),
  });
}

class Windows implements TripWindow {
  private readonly windows: readonly TripWindow[];
  readonly slowCallRatio?: (now: number) => number;
  readonly rejectionRatio?: (now: number) => number;

  constructor(windows: readonly TripWindow[]) {
    this.windows = windows;
    // A breaker looks at each call differently when its window has one of these.
    const slow = windows.find((window) => window.slowCallRatio !== undefined);
    if (slow !== undefined) this.slowCallRatio = (now) => slow.slowCallRatio!(now);
    const refusing = windows.filter((window) => window.rejectionRatio !== undefined);
    if (refusing.length > 0)
      this.rejectionRatio = (now) => Math.max(...refusing.map((window) => window.rejectionRatio!(now)));
  }

  record(failed: boolean, durationMs: number, now: number): string | undefined {
    let reason: string | undefined;
    for (const window of this.windows) {
      const own = window.record(failed, durationMs, now);
      reason ??= own;
    }
    return reason;
  }

  failures(now: number): number {
    return this.windows[0]!.failures(now);
  }

  throughput(now: number): number {
    return this.windows[0]!.throughput(now);
  }

  clear(): void {
    for (const window of this.windows) window.clear();
  }

  /** The numbers of each window, after how many they are. */
  save(now: number): readonly number[] {
    return this.windows.flatMap((window) => {
      const saved = window.save?.(now) ?? [];
      return [saved.length, ...saved];
    });
  }

  restore(saved: readonly number[], ageMs: number, now: number): void {
    let at = 0;
    for (const window of this.windows) {
      const length = saved[at] ?? 0;
      window.restore?.(saved.slice(at + 1, at + 1 + length), ageMs, now);
      at += 1 + length;
    }
  }
}
