import { systemClock, type Clock } from 'breakwater/clock';
import { checkFaults, type FaultRatios } from './faults.ts';
import { NO_LATENCY, type Latency } from './latency.ts';
import type { Outage } from './outages.ts';

/** At most `calls` (and `burst` more, default 0) in any window of `periodMs`; what comes above is answered with 429. */
export interface UpstreamLimit {
  readonly calls: number;
  readonly periodMs: number;
  readonly burst?: number | undefined;
}

interface Settings {
  /** Default 0: any free port. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host: string;
  /** Decides, with each call's key and attempt number, which calls fail and how long they take. Default 1. */
  readonly seed: number;
  /** Default none. */
  readonly latency: Latency;
  /** Default none. */
  readonly fail: FaultRatios;
  /** Default none. */
  readonly limit: UpstreamLimit | undefined;
  /** Default none. */
  readonly outages: readonly Outage[];
  /** What the outages' times count from. Default `first-call`. */
  readonly outagesFrom: 'first-call' | 'start';
  /** Callers must send `Authorization: Bearer <auth>`; without it they get 401. Default: anybody may call. */
  readonly auth: string | undefined;
  /** What makes two calls attempts of one: the Idempotency-Key where there is one (default), or method, path and body. */
  readonly keyBy: 'header' | 'request';
  /** How many calls the ledger lists; counts stay complete beyond it. Default 100,000. */
  readonly ledgerCalls: number;
  /** How many keys the ledger counts; the oldest go first. Default 1,000,000. */
  readonly ledgerKeys: number;
  readonly clock: Clock;
}

export type UpstreamOptions = { readonly [Name in keyof Settings]?: Settings[Name] | undefined };

export type ResolvedUpstreamOptions = Settings;

const DEFAULTS: Settings = Object.freeze({
  port: 0,
  host: '127.0.0.1',
  seed: 1,
  latency: NO_LATENCY,
  fail: {},
  limit: undefined,
  outages: [],
  outagesFrom: 'first-call',
  auth: undefined,
  keyBy: 'header',
  ledgerCalls: 100_000,
  ledgerKeys: 1_000_000,
  clock: systemClock,
});

export function resolveUpstreamOptions(options: UpstreamOptions): ResolvedUpstreamOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved: Settings = { ...DEFAULTS, ...given };
  checkFaults(resolved.fail);
  if (!Number.isInteger(resolved.seed)) throw new Error('the seed must be a whole number');
  if (!(resolved.ledgerKeys >= 1)) throw new Error('the ledger must keep at least one key');
  if (resolved.limit && !(resolved.limit.calls >= 1 && resolved.limit.periodMs > 0)) {
    throw new Error('the limit must allow at least one call in a period above 0');
  }
  return resolved;
}
