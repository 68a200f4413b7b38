import { type Bulkhead, bulkhead } from '../bulkhead/bulkhead.ts';
import type { BulkheadOptions } from '../bulkhead/options.ts';
import { type CircuitBreaker, circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import type { CircuitBreakerOptions } from '../circuit-breaker/options.ts';
import { ConfigurationError, type ConfigurationFault } from '../errors/configuration-error.ts';
import { type Fallback, fallback, type FallbackOptions } from '../fallback/fallback.ts';
import { collectFaults, faultsBelow } from '../options/fault-paths.ts';
import type { Rule, Rules } from '../options/rules.ts';
import { resolveOptions } from '../options/resolve.ts';
import type { PipelineOptions } from '../pipeline/pipeline-contract.ts';
import { policyOptionRules } from '../policy/policy-base.ts';
import type { Policy } from '../policy/policy.ts';
import type { RateLimitPolicy, SharedRateLimitPolicy } from '../rate-limit/policy-options.ts';
import type { RetryOptions } from '../retry/options.ts';
import { type Retry, retry } from '../retry/retry.ts';
import type { Keyed } from '../keyed/keyed.ts';
import { type Timeout, timeout, type TimeoutOptions } from '../timeout/timeout.ts';
import type { AdaptiveConcurrency } from '../adaptive-concurrency/adaptive-concurrency.ts';
import type { PresetDefinition } from './definitions.ts';

type LimitingPolicy = RateLimitPolicy | SharedRateLimitPolicy;

/** Options of a timeout, its time among those that need not be given. */
export type TimeoutChanges = { readonly [Key in keyof TimeoutOptions]?: TimeoutOptions[Key] | undefined };

/**
 * What a preset is changed by. For each of its places: options, which are laid over those of the preset; a policy, which
 * takes the place (a breaker that several pipelines share); or false, which leaves the place out.
 */
export interface PresetOptions<Adds = never> extends PipelineOptions {
  /** What the call gives instead of failing; default: nothing does. */
  readonly fallback?: FallbackOptions<Adds> | Fallback<Adds> | false | undefined;
  /** The time of the whole call. */
  readonly totalTimeout?: TimeoutChanges | Timeout | false | undefined;
  readonly retry?: RetryOptions | Retry | false | undefined;
  readonly circuitBreaker?: CircuitBreakerOptions | CircuitBreaker | Keyed<CircuitBreaker> | false | undefined;
  /** A limit that every attempt pays for; default: none, since nobody but you knows it. */
  readonly rateLimit?: LimitingPolicy | Keyed<LimitingPolicy> | false | undefined;
  readonly bulkhead?: BulkheadOptions | Bulkhead | AdaptiveConcurrency | Keyed<Bulkhead> | false | undefined;
  /** The time of one attempt. */
  readonly attemptTimeout?: TimeoutChanges | Timeout | false | undefined;
}

/** The places of a preset's policies, the outermost first. */
export const presetPlaces = [
  'fallback',
  'totalTimeout',
  'retry',
  'circuitBreaker',
  'rateLimit',
  'bulkhead',
  'attemptTimeout',
] as const;

/** One of {@link presetPlaces}. */
export type PresetPlace = (typeof presetPlaces)[number];

/** A policy and the place that it stands in. */
export interface PlacedPolicy {
  readonly place: PresetPlace;
  readonly policy: Policy;
}

/**
 * The policies of a preset with changes, the outermost first.
 *
 * @param path The beginning of the path of every fault.
 * @throws ConfigurationError with the faults of all places at once.
 */
export function presetPolicies(
  path: string,
  definition: PresetDefinition,
  options: PresetOptions<unknown>,
): readonly PlacedPolicy[] {
  const faults: ConfigurationFault[] = [];
  collectFaults(faults, () => resolveOptions(path, options, {}, rules));
  const told = new Set(faults.map((fault) => fault.path));
  if (told.has(path)) throw new ConfigurationError(faults);
  const placed = presetPlaces.flatMap((place) => {
    const at = `${path}.${place}`;
    if (told.has(at)) return [];
    const make = (): Policy | undefined => policyFor(place, definition, options[place]);
    const policy = collectFaults(faults, () => faultsBelow(at, make));
    return policy === undefined ? [] : [{ place, policy }];
  });
  if (!definition.takesFallback && options.fallback !== undefined && options.fallback !== false) {
    faults.push({ path: `${path}.fallback`, expected: 'none: this preset takes no fallback', received: 'a fallback' });
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return placed;
}

function policyFor(place: PresetPlace, definition: PresetDefinition, given: unknown): Policy | undefined {
  if (given === false) return undefined;
  if (isPolicy(given)) return given;
  // A substitute may be undefined.
  if (place === 'fallback') return given === undefined ? undefined : fallback(given as FallbackOptions<unknown>);
  const changes = said(given);
  switch (place) {
    case 'totalTimeout':
      return timeout({ name: 'total-timeout', timeoutMs: definition.totalTimeoutMs, ...changes });
    case 'retry':
      return retry({ ...definition.retry, ...changes });
    case 'circuitBreaker':
      return circuitBreaker({ ...breakerBeneath(definition.circuitBreaker, changes), ...changes });
    case 'rateLimit':
      return undefined;
    case 'bulkhead':
      return bulkhead({ ...definition.bulkhead, ...changes });
    case 'attemptTimeout':
      return attemptTimeout(definition.attemptTimeoutMs, changes);
  }
}

/** A trip rule and the options of the ratio exclude each other: what the changes name puts the preset's aside. */
function breakerBeneath(options: CircuitBreakerOptions, changes: CircuitBreakerOptions): CircuitBreakerOptions {
  const { trip, failureRatio: _, minThroughput: __, samplingMs: ___, ...rest } = options;
  if (changes.trip !== undefined) return rest;
  const ratioIsMeant =
    changes.failureRatio !== undefined || changes.minThroughput !== undefined || changes.samplingMs !== undefined;
  return ratioIsMeant && trip !== undefined ? rest : options;
}

function attemptTimeout(timeoutMs: number | undefined, changes: TimeoutChanges): Policy | undefined {
  if (timeoutMs === undefined && Object.keys(changes).length === 0) return undefined;
  // Without a time the timeout says itself what it wants.
  return timeout({ name: 'attempt-timeout', timeoutMs, ...changes } as TimeoutOptions);
}

/** Options without those that are undefined, which count as not given: the preset's hold. */
function said(given: unknown): object {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
}

function isPolicy(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function placeRule<T>(...kinds: readonly string[]): Rule<T> {
  return {
    expected: `options, a policy (${kinds.join(' or ')}), or false`,
    accepts: (value): value is T => {
      if (value === false) return true;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      return !isPolicy(value) || kinds.includes(value.kind);
    },
  };
}

const rules: Rules<PresetOptions<unknown>> = Object.freeze({
  ...policyOptionRules,
  fallback: placeRule<FallbackOptions<unknown>>('fallback'),
  totalTimeout: placeRule<Timeout>('timeout'),
  retry: placeRule<Retry>('retry'),
  circuitBreaker: placeRule<CircuitBreaker | Keyed<CircuitBreaker>>('circuit-breaker', 'keyed'),
  rateLimit: {
    expected: 'a rate limit policy, or false',
    accepts: (value: unknown): value is LimitingPolicy | Keyed<LimitingPolicy> | false =>
      value === false || (isPolicy(value) && (value.kind === 'rate-limit' || value.kind === 'keyed')),
  },
  bulkhead: placeRule<Bulkhead | AdaptiveConcurrency | Keyed<Bulkhead>>('bulkhead', 'keyed', 'adaptive-concurrency'),
  attemptTimeout: placeRule<Timeout>('timeout'),
});
