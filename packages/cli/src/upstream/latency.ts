import type { Random } from 'breakwater/clock';
import { parseSpan, parseSpanRange } from './text-spans.ts';

/** How long an answer takes. Log-normal is what real services look like: most calls quick, a long tail. */
export type Latency =
  | { readonly shape: 'fixed'; readonly ms: number }
  | { readonly shape: 'uniform'; readonly fromMs: number; readonly toMs: number }
  | { readonly shape: 'log-normal'; readonly medianMs: number; readonly p99Ms: number };

export const NO_LATENCY: Latency = Object.freeze({ shape: 'fixed', ms: 0 });

/** The 99th percentile of the standard normal distribution. */
const Z99 = 2.326_347_874;

/** `20ms`, `5ms..50ms` or `p50=20ms,p99=200ms`. */
export function parseLatency(text: string): Latency {
  if (text.includes('..')) return { shape: 'uniform', ...parseSpanRange(text) };
  if (!text.includes('=')) return { shape: 'fixed', ms: parseSpan(text) };
  const match = /^p50=([^,]+),p99=([^,]+)$/.exec(text.trim());
  if (!match) throw new Error(`expected 20ms, 5ms..50ms or p50=20ms,p99=200ms, got "${text}"`);
  const medianMs = parseSpan(match[1] ?? '');
  const p99Ms = parseSpan(match[2] ?? '');
  if (!(medianMs > 0 && p99Ms >= medianMs)) throw new Error(`expected 0 < p50 <= p99, got "${text}"`);
  return { shape: 'log-normal', medianMs, p99Ms };
}

export function drawLatency(latency: Latency, random: Random): number {
  switch (latency.shape) {
    case 'fixed':
      return latency.ms;
    case 'uniform':
      return latency.fromMs + (latency.toMs - latency.fromMs) * random.next();
    case 'log-normal': {
      const sigma = Math.log(latency.p99Ms / latency.medianMs) / Z99;
      return latency.medianMs * Math.exp(sigma * standardNormal(random));
    }
  }
}

/** Box and Muller's transform; 1 - u keeps the logarithm's argument above zero. */
function standardNormal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
