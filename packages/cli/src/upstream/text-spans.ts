import { parseDuration } from 'breakwater/options';

/** The small notations of this command's options: `20ms`, `5s..10s`, `200/s`. */

/** A duration with its unit; `0` needs none. Milliseconds. */
export function parseSpan(text: string): number {
  return text.trim() === '0' ? 0 : parseDuration(text);
}

/** `5s..10s`: two durations, the first not longer than the second. */
export function parseSpanRange(text: string): { readonly fromMs: number; readonly toMs: number } {
  const [from, to, ...rest] = text.split('..');
  if (from === undefined || to === undefined || rest.length > 0) {
    throw new Error(`expected two durations such as 5s..10s, got "${text}"`);
  }
  const range = { fromMs: parseSpan(from), toMs: parseSpan(to) };
  if (range.toMs < range.fromMs) throw new Error(`expected the later time last, got "${text}"`);
  return range;
}

/** `200/s`, `600/m`, `30/10s`: a whole number of calls per period. */
export function parseRate(text: string): { readonly calls: number; readonly periodMs: number } {
  const [, calls, period] = /^(\d+)\/(\S+)$/.exec(text.trim()) ?? [];
  if (calls === undefined || period === undefined || Number(calls) < 1) {
    throw new Error(`expected a rate such as 200/s, 600/m or 30/10s, got "${text}"`);
  }
  const periodMs = parseDuration(/^\d/.test(period) ? period : `1${period}`);
  if (!(periodMs > 0)) throw new Error(`expected a period above 0, got "${text}"`);
  return { calls: Number(calls), periodMs };
}
