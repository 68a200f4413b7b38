import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';
import { callable, count, integer, milliseconds, number, positiveMilliseconds, type Rules } from '../options/rules.ts';
import { policyOptionRules } from '../policy/policy-base.ts';

/** What `create` is told. */
export interface CreateContext {
  /** Aborted when the resource is no longer wanted: it took too long, or the pool was closed. */
  readonly signal: AbortSignal;
  /** To be called when the resource dies by itself, as connections do: it is not handed out any more, and replaced. */
  readonly lost: (error?: unknown) => void;
}

/** Options of a connection pool. */
export interface ConnectionPoolOptions<Resource> {
  /** Its name in errors and events; default `connection-pool`. */
  readonly name?: string | undefined;
  /** Where it takes the time from; default: the system. */
  readonly clock?: Clock | undefined;
  /** Where it takes the jitter of ages from; default: the system. */
  readonly random?: Random | undefined;
  /** Makes a resource. When it fails, the one who has waited longest gets its error. */
  readonly create: (context: CreateContext) => Resource | PromiseLike<Resource>;
  /** Says whether a resource may be handed out; false or an error: it is replaced. Default: every resource may. */
  readonly validate?: ((resource: Resource) => boolean | PromiseLike<boolean>) | undefined;
  /** Ends a resource. */
  readonly destroy?: ((resource: Resource) => unknown) | undefined;
  /** Whether an error of a function in `use` means that its resource is broken; default: it is checked before it is used again. */
  readonly isBroken?: ((error: unknown) => boolean) | undefined;
  /** How many resources are kept at least, from the start: an integer of at least 0; default 0. */
  readonly minSize?: number | undefined;
  /** How many are kept at most: an integer of at least 1; default 20. */
  readonly maxSize?: number | undefined;
  /** How many more there may be while all are in use; they end as soon as nobody waits for them. At least 0; default 40. */
  readonly maxOverflow?: number | undefined;
  /** How many are made at once, so that a server that comes back is not met by all of them; at least 1; default 5. */
  readonly maxCreating?: number | undefined;
  /** How many may wait for a resource; at least 0; default Infinity. */
  readonly maxWaiting?: number | undefined;
  /** How long somebody waits for one, in milliseconds; default 30,000. */
  readonly acquireTimeoutMs?: number | undefined;
  /** How long making one may take, in milliseconds; default 30,000. */
  readonly createTimeoutMs?: number | undefined;
  /** How long checking one may take, in milliseconds; default 5,000. */
  readonly validateTimeoutMs?: number | undefined;
  /** How long ending one may take, in milliseconds, before its place is given away; default 5,000. */
  readonly destroyTimeoutMs?: number | undefined;
  /** After how many milliseconds since it was last known to be well a resource is checked before use; default 0: always. */
  readonly validateAfterMs?: number | undefined;
  /** After how many milliseconds without use a resource ends, as long as `minSize` are left; default 300,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** At what age a resource is replaced, in milliseconds; default 3,600,000. */
  readonly recycleMs?: number | undefined;
  /** By what ratio of `recycleMs`, drawn for each resource, it is replaced earlier, so that not all go at once; default 0.1. */
  readonly recycleJitterRatio?: number | undefined;
  /** After how many milliseconds it is tried again to reach `minSize` when a resource could not be made; default 1,000. */
  readonly createRetryMs?: number | undefined;
  /** Told of everything that happens, in words and with facts: for the search of a fault. Default: nobody. */
  readonly debug?: ((message: string, facts: Readonly<Record<string, unknown>>) => void) | undefined;
}

/** The defaults of a connection pool. */
export const connectionPoolDefaults: {
  readonly name: string;
  readonly minSize: number;
  readonly maxSize: number;
  readonly maxOverflow: number;
  readonly maxCreating: number;
  readonly maxWaiting: number;
  readonly acquireTimeoutMs: number;
  readonly createTimeoutMs: number;
  readonly validateTimeoutMs: number;
  readonly destroyTimeoutMs: number;
  readonly validateAfterMs: number;
  readonly idleTimeoutMs: number;
  readonly recycleMs: number;
  readonly recycleJitterRatio: number;
  readonly createRetryMs: number;
} = Object.freeze({
  name: 'connection-pool',
  minSize: 0,
  maxSize: 20,
  maxOverflow: 40,
  maxCreating: 5,
  maxWaiting: Infinity,
  acquireTimeoutMs: 30_000,
  createTimeoutMs: 30_000,
  validateTimeoutMs: 5_000,
  destroyTimeoutMs: 5_000,
  validateAfterMs: 0,
  idleTimeoutMs: 300_000,
  recycleMs: 3_600_000,
  recycleJitterRatio: 0.1,
  createRetryMs: 1_000,
});

export const connectionPoolRules: Rules<ConnectionPoolOptions<never>> = Object.freeze({
  name: policyOptionRules.name,
  clock: policyOptionRules.clock,
  random: policyOptionRules.random,
  create: callable<ConnectionPoolOptions<never>['create']>('a function that makes a resource'),
  validate: callable<(resource: never) => boolean>('a function of a resource'),
  destroy: callable<(resource: never) => unknown>('a function of a resource'),
  isBroken: callable<(error: unknown) => boolean>('a function of an error'),
  minSize: integer(0),
  maxSize: integer(1),
  maxOverflow: integer(0),
  maxCreating: integer(1),
  maxWaiting: count(0),
  acquireTimeoutMs: positiveMilliseconds(),
  createTimeoutMs: positiveMilliseconds(),
  validateTimeoutMs: positiveMilliseconds(),
  destroyTimeoutMs: positiveMilliseconds(),
  validateAfterMs: milliseconds(),
  idleTimeoutMs: positiveMilliseconds(),
  recycleMs: positiveMilliseconds(),
  recycleJitterRatio: number(0, 1),
  createRetryMs: positiveMilliseconds(),
  debug: callable<NonNullable<ConnectionPoolOptions<never>['debug']>>('a function of a message and facts'),
});
