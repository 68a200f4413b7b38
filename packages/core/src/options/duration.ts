import { ConfigurationError } from '../errors/configuration-error.ts';
import { describe } from './resolve.ts';

const UNIT_MS: Readonly<Record<string, number>> = Object.freeze({
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
});

/**
 * A duration as files and command lines write it, in milliseconds: `250ms`, `30s`, `5m`, `1h`, `1d`, `1.5s`.
 * A bare number is refused: nobody can tell seconds from milliseconds.
 *
 * @param path What the duration belongs to, for the error: `--timeout`.
 * @throws ConfigurationError when `value` is not a duration.
 */
export function parseDuration(value: string, path = 'duration'): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value.trim()) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new ConfigurationError([
      { path, expected: 'a duration such as 250ms, 30s, 5m, 1h or 1d', received: describe(value) },
    ]);
  }
  return Number(amount) * UNIT_MS[unit]!;
}

/** A duration in the largest units that say it briefly: `250ms`, `1.5s`, `2m`, `2m 5s`, `1h 30m`, `3d`; `∞` without end. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return ms === Infinity ? '∞' : '?';
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Number((ms / 1_000).toFixed(1));
  if (seconds < 60) return `${seconds}s`;
  return inTwoUnits(Math.max(ms, 60_000));
}

function inTwoUnits(ms: number): string {
  const units = [
    ['d', UNIT_MS['d']!],
    ['h', UNIT_MS['h']!],
    ['m', UNIT_MS['m']!],
    ['s', UNIT_MS['s']!],
  ] as const;
  const first = units.findIndex(([, unitMs]) => ms >= unitMs);
  const [name, unitMs] = units[first]!;
  const whole = Math.floor(ms / unitMs);
  const [restName, restMs] = units[first + 1]!;
  const rest = Math.floor((ms - whole * unitMs) / restMs);
  return rest === 0 ? `${whole}${name}` : `${whole}${name} ${rest}${restName}`;
}
