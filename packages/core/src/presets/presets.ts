import type { Bulkhead } from '../bulkhead/bulkhead.ts';
import type { CircuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import type { Fallback } from '../fallback/fallback.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { EventsOf, Pipeline } from '../pipeline/pipeline-contract.ts';
import type { RateLimitPolicy } from '../rate-limit/policy-options.ts';
import type { Retry } from '../retry/retry.ts';
import type { Timeout } from '../timeout/timeout.ts';
import { presetDefinitions, type PresetName } from './definitions.ts';
import { presetPolicies, type PresetOptions } from './preset-policies.ts';

/** The events of a pipeline that a preset makes. */
export type PresetEvents = EventsOf<Fallback<unknown> | Timeout | Retry | CircuitBreaker | RateLimitPolicy | Bulkhead>;

/** A pipeline that a preset makes. */
export type PresetPipeline<Adds = never> = Pipeline<PresetEvents, Adds>;

/**
 * Calls of one HTTP API from a service that answers people.
 *
 * @throws ConfigurationError
 */
export function httpClient<const Adds = never>(options: PresetOptions<Adds> = {}): PresetPipeline<Adds> {
  return presetPipeline('httpClient', options);
}

/**
 * Calls of a model provider: answers take up to minutes, limits are told by 429 and Retry-After and waited for.
 *
 * @throws ConfigurationError
 */
export function llmApi<const Adds = never>(options: PresetOptions<Adds> = {}): PresetPipeline<Adds> {
  return presetPipeline('llmApi', options);
}

/**
 * Queries of a database: short, repeated only when the connection, a lock or the server was to blame.
 *
 * @throws ConfigurationError
 */
export function database<const Adds = never>(options: PresetOptions<Adds> = {}): PresetPipeline<Adds> {
  return presetPipeline('database', options);
}

/**
 * What somebody waits for and must not fail: 10 s in all.
 *
 * @throws ConfigurationError
 */
export function critical<const Adds = never>(options: PresetOptions<Adds> = {}): PresetPipeline<Adds> {
  return presetPipeline('critical', options);
}

/**
 * Work that nobody waits for: 60 s in all, five at a time, and no fallback.
 *
 * @throws ConfigurationError
 */
export function background(options: Omit<PresetOptions, 'fallback'> = {}): PresetPipeline {
  return presetPipeline('background', options);
}

/**
 * Calls that are paid for one by one: at most one repetition, and a breaker that stops early.
 *
 * @throws ConfigurationError
 */
export function costOptimised<const Adds = never>(options: PresetOptions<Adds> = {}): PresetPipeline<Adds> {
  return presetPipeline('costOptimised', options);
}

/**
 * A plain start where nothing is known: 3 attempts from 1 s doubling, a breaker that opens after 5 failures for 60 s, 10
 * calls at once, 30 s in all.
 *
 * @throws ConfigurationError
 */
export function integrated<const Adds = never>(options: PresetOptions<Adds> = {}): PresetPipeline<Adds> {
  return presetPipeline('integrated', options);
}

function presetPipeline<Adds>(preset: PresetName, options: PresetOptions<Adds>): PresetPipeline<Adds> {
  const policies = presetPolicies(preset, presetDefinitions[preset], options).map(({ policy }) => policy);
  const { name, clock, random } = options;
  return pipeline({ name, clock, random }, ...policies) as unknown as PresetPipeline<Adds>;
}
