import type { Clock } from '../../clock/clock.ts';

/** A span of time, in milliseconds since `during` was called; the end is not part of it. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A switch that is on during these spans of time: `enabled: during(clock, { fromMs: 5_000, toMs: 8_000 })`. */
export function during(clock: Clock, ...spans: readonly TimeSpan[]): () => boolean {
  const startedAt = clock.now();
  return () => {
    const elapsedMs = clock.now() - startedAt;
    return spans.some(({ fromMs, toMs }) => fromMs <= elapsedMs && elapsedMs < toMs);
  };
}
