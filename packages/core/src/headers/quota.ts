/**
 * What a server says about its limits, read from whichever headers it uses:
 *
 * - `RateLimit: "burst";r=0;t=30` with `RateLimit-Policy: "burst";q=100;w=60` (IETF draft 8 and later),
 * - `RateLimit: limit=100, remaining=0, reset=30` (draft 7),
 * - `RateLimit-Limit`, `-Remaining` and `-Reset` (draft 6 and before), with `RateLimit-Policy: 100;w=60`,
 * - `X-RateLimit-Limit`, `-Remaining`, `-Reset`, also per resource: `x-ratelimit-reset-tokens: 6m0s` (OpenAI),
 * - `anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:00Z`.
 *
 * Drafts: draft-ietf-httpapi-ratelimit-headers, 06 to 08.
 */
import type { WallMs } from '../clock/clock.ts';
import { type HeaderSource, headerValue } from './header-source.ts';
import { parseResetTime } from './reset-time.ts';

/** One limit of a server, as its headers tell it; what they don't tell is undefined. */
export interface Quota {
  /** The server's name for it; `default` where it has none. */
  readonly name: string;
  /** How much a window allows. */
  readonly limit: number | undefined;
  /** How much of that is left. */
  readonly remaining: number | undefined;
  /** In how many milliseconds more is there. */
  readonly resetMs: number | undefined;
  /** How long a window is, in milliseconds. */
  readonly windowMs: number | undefined;
}

const RESOURCES = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const;

/** The limits that the headers of a response tell; empty when they tell none. */
export function parseQuotas(headers: HeaderSource, wallTime: WallMs): readonly Quota[] {
  const combined = headerValue(headers, 'ratelimit');
  if (combined !== undefined) return combinedQuotas(combined, headerValue(headers, 'ratelimit-policy'));
  const plain = quotaOf(headers, wallTime, 'default', (part) => `ratelimit-${part}`);
  if (plain !== undefined) return [plain];
  const quotas: (Quota | undefined)[] = [quotaOf(headers, wallTime, 'default', (part) => `x-ratelimit-${part}`)];
  for (const resource of RESOURCES) {
    quotas.push(quotaOf(headers, wallTime, resource, (part) => `x-ratelimit-${part}-${resource}`));
    quotas.push(quotaOf(headers, wallTime, resource, (part) => `anthropic-ratelimit-${resource}-${part}`));
  }
  return quotas.filter((quota) => quota !== undefined);
}

function quotaOf(
  headers: HeaderSource,
  wallTime: WallMs,
  name: string,
  header: (part: 'limit' | 'remaining' | 'reset') => string,
): Quota | undefined {
  const limit = headerValue(headers, header('limit'));
  const remaining = headerValue(headers, header('remaining'));
  const reset = headerValue(headers, header('reset'));
  if (limit === undefined && remaining === undefined && reset === undefined) return undefined;
  const resetMs = reset === undefined ? undefined : parseResetTime(reset, wallTime);
  return { name, limit: amount(limit), remaining: amount(remaining), resetMs, windowMs: undefined };
}

/** Draft 7 has one list of `name=value`; from draft 8 on each limit is a quoted name with parameters. */
function combinedQuotas(value: string, policy: string | undefined): readonly Quota[] {
  if (/^\s*limit\s*=/.test(value) || /\bremaining\s*=/.test(value)) {
    const parts = parameters(value.split(','));
    const windowMs = seconds(parameters(policy?.split(';') ?? [])['w']);
    const { limit, remaining, reset } = parts;
    return [{ name: 'default', limit: amount(limit), remaining: amount(remaining), resetMs: seconds(reset), windowMs }];
  }
  const policies = new Map(items(policy ?? ''));
  return items(value).map(([name, { r, t }]) => {
    const { q, w } = policies.get(name) ?? {};
    return { name, limit: amount(q), remaining: amount(r), resetMs: seconds(t), windowMs: seconds(w) };
  });
}

/** `"burst";q=100;w=60, "day";q=5000` as names with their parameters. */
function items(list: string): readonly (readonly [string, Readonly<Record<string, string>>])[] {
  return splitOutsideQuotes(list)
    .map((item) => item.split(';'))
    .filter(([name]) => name !== undefined && name.trim() !== '')
    .map(([name, ...rest]) => [name!.trim().replace(/^"(.*)"$/, '$1'), parameters(rest)] as const);
}

function splitOutsideQuotes(list: string): readonly string[] {
  return list.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
}

function parameters(parts: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const part of parts) {
    const [, name, value] = /^\s*([a-z]+)\s*=\s*"?([^"\s]+)"?\s*$/i.exec(part) ?? [];
    if (name !== undefined && value !== undefined) found[name.toLowerCase()] = value;
  }
  return found;
}

/** The leading number of `100, 100;w=60`. */
function amount(value: string | undefined): number | undefined {
  const [digits] = /^\s*\d+(\.\d+)?/.exec(value ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function seconds(value: string | undefined): number | undefined {
  const parsed = amount(value);
  return parsed === undefined ? undefined : parsed * 1_000;
}
