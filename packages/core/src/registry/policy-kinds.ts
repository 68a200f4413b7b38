/**
 * The policies that a configuration can name: which fields each has in a file, and how it is made of them. What only
 * code can say (a function, a clock, a limiter of a fleet) is given to the registry by name and used from there.
 */
import { bulkhead } from '../bulkhead/bulkhead.ts';
import { adaptive } from '../circuit-breaker/adaptive.ts';
import { type BreakDuration, exponentialBreak, linearBreak } from '../circuit-breaker/break-duration.ts';
import { type CircuitBreaker, circuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import type { TripRule } from '../circuit-breaker/trip-rule.ts';
import { consecutive, count, type CountLimit } from '../circuit-breaker/trip-rules.ts';
import { fallback } from '../fallback/fallback.ts';
import { hedge } from '../hedge/hedge.ts';
import { parseDuration } from '../options/duration.ts';
import type { Policy } from '../policy/policy.ts';
import type { PresetPlace } from '../presets/preset-policies.ts';
import { rateLimiter } from '../rate-limit/local-limiter.ts';
import type { RateLimiterOptions } from '../rate-limit/options.ts';
import { rateLimit } from '../rate-limit/policy.ts';
import { type Backoff, constant, exponential, fibonacci, linear } from '../retry/backoff.ts';
import { decorrelated, decorrelatedV2 } from '../retry/decorrelated.ts';
import { type Jitter, ratio as ratioJitter } from '../retry/jitter.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import { anyOf, object, oneOf } from './composite-fields.ts';
import { choice, duration, flag, integer, json, number, ratio, text } from './fields.ts';
import { adaptiveConcurrencyKind, clientThrottlingKind } from './adaptive-kinds.ts';
import { condition, conditionOf, retryConditionOf } from './conditions.ts';
import { keyedKind } from './keyed-kind.ts';
import { sheddingKind } from './shedding-kind.ts';
import { type Chosen, kind, made, type PolicyKind } from './policy-kind.ts';

const growing = {
  initialMs: duration('The first wait.', 1),
  maxMs: duration('The longest wait.', 1),
};
const backoffs = {
  constant: object('Always the same wait.', { delayMs: duration('The wait.') }, ['delayMs']),
  linear: object('Grows by the first wait each time.', growing),
  exponential: object('Grows by a factor each time.', {
    ...growing,
    base: number('The factor; default 2.', 1, Infinity),
  }),
  fibonacci: object('1, 1, 2, 3, 5 … times the first wait.', growing),
  decorrelated: object('Drawn between the first wait and three times the one before.', growing),
  decorrelatedV2: object('Exponential with a smooth spread, as Polly has it.', growing),
};
const makeBackoff: { readonly [Name in keyof typeof backoffs]: (options: never) => Backoff } = {
  constant: ({ delayMs }: { delayMs: number }) => constant(delayMs),
  linear,
  exponential,
  fibonacci,
  decorrelated,
  decorrelatedV2,
};

const jitters = {
  none: object('No spread.', {}),
  full: object('Between 0 and the wait.', {}),
  equal: object('Between half the wait and the wait.', {}),
  ratio: object('Shortened by up to this ratio.', { most: ratio('The largest part that is taken away.') }, ['most']),
};

const breaks = {
  exponential: object('30 s, then longer by half each time; the initial time, factor and cap can be given.', {
    initialMs: duration('The first break.', 1),
    base: number('The factor; default 1.5.', 1, Infinity),
    maxMs: duration('The longest break.', 1),
  }),
  linear: object('Longer by the first break each time.', {
    initialMs: duration('The first break.', 1),
    maxMs: duration('The longest break.', 1),
  }),
};
const makeBreak: { readonly [Name in keyof typeof breaks]: (options: never) => BreakDuration } = {
  exponential: exponentialBreak,
  linear: linearBreak,
};

const sampling = {
  minThroughput: integer('So many calls must be in the window before it counts.', 1),
  samplingMs: duration('The length of the window.', 1),
};
const trips = {
  consecutive: object('So many failures in a row.', { failures: integer('How many.', 1) }, ['failures']),
  count: object(
    'So many failures, or such a part, of the last calls, whenever they were.',
    {
      size: integer('How many calls are looked at.', 1),
      failures: integer('How many of them fail.', 1),
      failureRatio: ratio('Which part of them fails.'),
      minThroughput: sampling.minThroughput,
    },
    ['size'],
  ),
  adaptive: object('More failures than usual, by a controller that learns what is usual.', sampling),
};
const makeTrip: { readonly [Name in keyof typeof trips]: (options: never) => TripRule } = {
  consecutive: ({ failures }: { failures: number }) => consecutive(failures),
  count: ({ size, ...limit }: { size: number } & CountLimit) => count(size, limit),
  adaptive,
};

/** Those of one policy; a keyed one has such a one for each key. */
const singleKinds: Readonly<Record<Exclude<PolicyKindName, 'keyed'>, PolicyKind>> = {
  timeout: kind({
    about: 'Limits the time of what is inside.',
    fields: {
      timeoutMs: duration('How long what is inside may take.', 1),
      mode: choice('Whether to reject at once or to abort and wait; default aggressive.', 'aggressive', 'cooperative'),
    },
    required: ['timeoutMs'],
    alone: 'timeoutMs',
    make: timeout,
  }),
  retry: kind({
    about: 'Tries again after a growing wait.',
    fields: {
      maxAttempts: integer('How many calls in all, the first included; default 3.', 1),
      backoff: oneOf('How the waits between attempts grow; default exponential from 1 s to 60 s.', backoffs),
      jitter: oneOf('How the waits are spread; default full.', jitters),
      minMs: duration('A floor under every wait.'),
      maxRetryAfterMs: duration('The longest wait that the upstream may ask for; default 60 s.'),
      maxElapsedMs: duration('No attempt is begun later than this after the first.', 1),
      retryIf: condition(
        'Which failures are tried again; default retryable.',
        'retryable',
        'transient',
        'transient-database',
      ),
      budget: text('The name of a budget that bounds the retries of all that share it.'),
    },
    alone: 'maxAttempts',
    optionsOf: ({ backoff, jitter, retryIf, budget }, tools) => ({
      ...(backoff && { backoff: made('backoff', makeBackoff, backoff) }),
      ...(jitter && { jitter: jitterOf(jitter) }),
      ...(retryIf && { retryIf: retryConditionOf(retryIf) }),
      ...(budget !== undefined && { budget: tools.budget(budget) }),
    }),
    make: retry,
  }),
  circuitBreaker: kind({
    about: 'Refuses calls while the upstream is down.',
    fields: {
      failureRatio: ratio('Opens when this part of the calls in the window has failed; default 0.5.'),
      ...sampling,
      trip: oneOf('Another rule in place of the ratio.', trips),
      slowCallMs: duration('Calls that take as long are slow.', 1),
      slowCallRatio: ratio('Opens also when this part of the calls is slow; default 0.5.'),
      breakMs: anyOf(duration('How long it stays open; default 30 s.', 1), oneOf('How the breaks grow.', breaks)),
      breakJitterRatio: number('Which part of a break chance may take away; default 0.', 0, 1),
      maxRetryAfterMs: duration('The longest break that a failure may ask for; default 60 s.'),
      probes: integer('How many calls are let through to find out; default 1.', 1),
      successRatio: ratio('The part of the probes that must succeed; default 1.'),
      probeLeaseMs: duration('After this a probe that has not ended counts as failed; default 30 s.', 1),
      rampMs: duration('Over this time it lets more and more calls through after it has closed; default 0.'),
      failureIf: condition('Which errors are failures of the upstream; default any.', 'any', 'upstream', 'database'),
    },
    optionsOf: ({ trip, breakMs, failureIf }) => ({
      ...(trip && { trip: made('trip', makeTrip, trip) }),
      ...(typeof breakMs === 'object' && { breakMs: made('breakMs', makeBreak, breakMs) }),
      ...(failureIf && { failureIf: conditionOf(failureIf) }),
    }),
    make: circuitBreaker,
  }),
  rateLimit: kind({
    about: 'Lets so many calls through in a time; the others wait.',
    fields: {
      limit: integer('How many calls a period allows.', 1),
      periodMs: duration('How long a period is.', 1, parseDuration('400d')),
      burst: integer('How many may come at once; default: the limit.', 1),
      strict: flag('Whether no period may ever admit more than the limit; default false.'),
      maxKeys: integer('How many keys it remembers at most; default 100,000.', 1),
      maxQueue: integer('How many calls may wait; default 10,000.', 0),
      maxWaitMs: duration('How long a call may wait; 0 refuses at once. Default: as long as its time allows.'),
    },
    required: ['limit', 'periodMs'],
    absentFromPresets: true,
    make: ({ maxWaitMs, ...limiter }: RateLimiterOptions & { readonly maxWaitMs?: number }) =>
      rateLimit(rateLimiter(limiter), { maxWaitMs }),
  }),
  bulkhead: kind({
    about: 'Lets so many calls run at once.',
    fields: {
      maxConcurrent: integer('How many at once; default 10.', 1),
      maxQueue: integer('How many may wait for a place; default 0.', 0),
      maxQueueWaitMs: duration('How long one may wait; default: as long as its time allows.', 1),
      releaseOn: choice('When a place is free again; default outcome.', 'outcome', 'settled'),
    },
    alone: 'maxConcurrent',
    make: bulkhead,
  }),
  hedge: kind({
    about: 'Begins another attempt beside one that is slow; the first answer counts.',
    fields: {
      delayMs: anyOf(
        duration('How long the first attempt is waited for; 0 begins all at once.'),
        choice('Only a failure begins another.', 'on-failure'),
      ),
      maxAttempts: integer('How many attempts in all; default 2.', 1, 100),
      hedgeIf: condition(
        'After which failures another attempt begins; default retryable.',
        'retryable',
        'transient',
        'transient-database',
      ),
      budget: text('The name of a budget that bounds the hedges of all that share it.'),
    },
    alone: 'delayMs',
    optionsOf: ({ hedgeIf, budget }, tools) => ({
      ...(hedgeIf && { hedgeIf: retryConditionOf(hedgeIf) }),
      ...(budget !== undefined && { budget: tools.budget(budget) }),
    }),
    make: hedge,
  }),
  adaptiveConcurrency: adaptiveConcurrencyKind,
  clientThrottling: clientThrottlingKind,
  shedding: sheddingKind,
  fallback: kind({
    about: 'Gives a value where what is inside fails.',
    fields: {
      value: json('What the call gives instead of failing.'),
      handleIf: condition('Which failures it stands in for; default any.', 'any', 'upstream', 'database', 'overload'),
    },
    required: ['value'],
    absentFromPresets: true,
    optionsOf: ({ handleIf }) => (handleIf === undefined ? {} : { handleIf: conditionOf(handleIf) }),
    make: fallback,
  }),
};

/** The kinds of policies, by their names in a configuration: those of the functions that make them. */
export const policyKinds: Readonly<Record<PolicyKindName, PolicyKind>> = Object.freeze({
  ...singleKinds,
  keyed: keyedKind(singleKinds),
});

/** The names of {@link policyKinds}. */
export type PolicyKindName =
  | 'timeout'
  | 'retry'
  | 'circuitBreaker'
  | 'rateLimit'
  | 'bulkhead'
  | 'hedge'
  | 'adaptiveConcurrency'
  | 'clientThrottling'
  | 'shedding'
  | 'fallback'
  | 'keyed';

export function isPolicyKind(name: string): name is PolicyKindName {
  return Object.hasOwn(policyKinds, name);
}

/** Whether this is a breaker, of which an update keeps the state. */
export function isBreaker(policy: Policy): policy is CircuitBreaker {
  return policy.kind === 'circuit-breaker';
}

/** Which kind of policy stands in a place of a preset. */
export const placeKinds: Readonly<Record<PresetPlace, PolicyKindName>> = Object.freeze({
  fallback: 'fallback',
  totalTimeout: 'timeout',
  retry: 'retry',
  circuitBreaker: 'circuitBreaker',
  rateLimit: 'rateLimit',
  bulkhead: 'bulkhead',
  attemptTimeout: 'timeout',
});

function jitterOf({ kind: name, options }: Chosen): Jitter {
  return name === 'ratio'
    ? ratioJitter((options as { readonly most: number }).most)
    : (name as 'none' | 'full' | 'equal');
}
