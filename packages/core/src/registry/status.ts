import type { Policy } from '../policy/policy.ts';
import { optionsOf } from './policy-row.ts';

/** A pipeline as a status page shows it. */
export interface PipelineStatus {
  readonly name: string;
  /** Calls, and runs of functions that a call left behind, that have not ended. */
  readonly busy: number;
  /** The outermost first. */
  readonly policies: readonly PolicyStatus[];
}

/** A policy as a status page shows it. */
export interface PolicyStatus {
  readonly kind: string;
  readonly name: string;
  /** What it was made with, defaults filled in; functions are left out. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it tells of its state: whether a breaker is open, how many calls a bulkhead has. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Of a pipeline that stands in the row: its policies. */
  readonly policies?: readonly PolicyStatus[];
  /** Of a keyed policy: the state of those of its keys, at most a hundred; first those that are open, or have calls. */
  readonly keys?: readonly KeyStatus[];
}

/** The policy of a key as a status page shows it. */
export interface KeyStatus {
  readonly key: string;
  readonly state: Readonly<Record<string, unknown>>;
}

const MOST_KEYS = 100;

/** What the library's policies tell of themselves, by the names of their properties. */
const TOLD = [
  'state',
  'timeInStateMs',
  'retryAfterMs',
  'failureRatio',
  'slowCallRatio',
  'throughput',
  'running',
  'queued',
  'limit',
  'inFlight',
  'limits',
  'inflight',
  'rttMs',
  'requests',
  'accepts',
  'rejectionRatio',
  'delayMs',
  'statistics',
  'size',
  'load',
] as const;

/** A pipeline with its policies and their state, as a registry lists it: for a status page of pipelines that are in none. */
export function statusOf(pipeline: {
  readonly name?: string;
  readonly busy: number;
  readonly policies: readonly Policy[];
}): PipelineStatus {
  return { name: pipeline.name ?? 'pipeline', busy: pipeline.busy, policies: pipeline.policies.map(policyStatus) };
}

function policyStatus(policy: Policy): PolicyStatus {
  const inner = (policy as { readonly policies?: readonly Policy[] }).policies;
  const status = {
    kind: policy.kind,
    name: policy.name ?? policy.kind,
    options: shown(optionsOf(policy)),
    state: stateOf(policy),
  };
  if (policy.kind === 'keyed' && Symbol.iterator in policy) return { ...status, keys: keysOf(policy as KeyedLike) };
  return inner === undefined ? status : { ...status, policies: inner.map(policyStatus) };
}

type KeyedLike = Policy & Iterable<readonly [key: string, policy: Policy]>;

function keysOf(keyed: KeyedLike): readonly KeyStatus[] {
  const [busy, idle]: (readonly [string, Policy])[][] = [[], []];
  for (const entry of keyed) (entry[1].isBusy === true ? busy! : idle!).push(entry);
  return [...busy!, ...idle!].slice(0, MOST_KEYS).map(([key, policy]) => ({ key, state: stateOf(policy) }));
}

function stateOf(policy: Policy): Readonly<Record<string, unknown>> {
  const told = policy as unknown as Readonly<Record<string, unknown>>;
  const limiter = told['limiter'] as Readonly<Record<string, unknown>> | undefined;
  const from = limiter === undefined ? told : { ...told, statistics: limiter['statistics'], limits: limiter['limits'] };
  return Object.fromEntries(TOLD.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));
}

function shown(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const plain = Object.entries(options).filter(([name, value]) => {
    return typeof value !== 'function' && name !== 'clock' && name !== 'random' && value !== undefined;
  });
  return Object.fromEntries(plain);
}
