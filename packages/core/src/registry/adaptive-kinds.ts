/** The policies that find out by themselves how much an upstream takes. */
import { adaptiveConcurrency } from '../adaptive-concurrency/adaptive-concurrency.ts';
import { aimd } from '../adaptive-concurrency/aimd.ts';
import type { LimitAlgorithm } from '../adaptive-concurrency/algorithm.ts';
import { gradient2 } from '../adaptive-concurrency/gradient2.ts';
import { vegas } from '../adaptive-concurrency/vegas.ts';
import { clientThrottling } from '../client-throttling/client-throttling.ts';
import { condition, conditionOf } from './conditions.ts';
import { object, oneOf } from './composite-fields.ts';
import { choice, duration, integer, number, ratio } from './fields.ts';
import { kind, made, type PolicyKind } from './policy-kind.ts';

const algorithms = {
  gradient2: object('By how much longer calls take than in the long run.', {
    queueSize: integer('How many more calls than have room without a queue the limit allows for; default 4.', 0),
    tolerance: number('How many times longer a call may take before the limit shrinks; default 1.5.', 1, Infinity),
    smoothingRatio: ratio('How much of each new estimate goes into the limit; default 0.2.'),
    longWindow: integer('How many samples the long run is; default 600.', 1),
  }),
  vegas: object('By how many calls wait at the upstream, from the shortest time seen.', {
    probeMultiplier: integer(
      'The time without load is taken anew after so many samples, times the limit; default 30.',
      1,
    ),
  }),
  aimd: object('One more while all is well, a part less after a drop.', {
    backoffRatio: ratio('What is left of the limit after a drop; default 0.9.'),
    latencyThresholdMs: duration('Calls that take longer count as a drop; default 5 s.', 1),
  }),
};
const makeAlgorithm: { readonly [Name in keyof typeof algorithms]: (options: never) => LimitAlgorithm } = {
  gradient2,
  vegas,
  aimd,
};

const refusals = ['overload', 'upstream', 'database'] as const;

export const adaptiveConcurrencyKind: PolicyKind = kind({
  about: 'Lets as many calls run at once as the upstream takes, and finds out how many that are.',
  fields: {
    algorithm: oneOf('How the limit is found; default gradient2.', algorithms),
    initialLimit: integer('The limit at the beginning; default 20.', 1),
    minLimit: integer('The limit never falls below this; default 1.', 1),
    maxLimit: integer('The limit never rises above this; default 200.', 1),
    maxQueue: integer('How many calls may wait for a place; default 0.', 0),
    maxQueueWaitMs: duration('How long one may wait; default: as long as its time allows.', 1),
    windowMs: duration('What the calls of this time tell is one sample; default 1 s.'),
    minSamples: integer('A sample takes at least so many calls; default 10.', 1),
    toleratedDropRatio: number(
      'Which part of a sample may be dropped without the limit shrinking; default 0.01.',
      0,
      1,
    ),
    dropIf: condition('Which failures say that the upstream could not take a call; default overload.', ...refusals),
    releaseOn: choice('When a place is free again; default outcome.', 'outcome', 'settled'),
  },
  alone: 'maxLimit',
  optionsOf: ({ algorithm, dropIf }) => ({
    ...(algorithm && { algorithm: made('algorithm', makeAlgorithm, algorithm) }),
    ...(dropIf && { dropIf: conditionOf(dropIf) }),
  }),
  make: adaptiveConcurrency,
});

export const clientThrottlingKind: PolicyKind = kind({
  about: 'Refuses at once a part of the calls to an upstream that refuses them: the larger, the fewer it accepts.',
  fields: {
    k: number('How many calls for each accepted one are let through before any is refused; default 2.', 1, Infinity),
    windowMs: duration('How long calls are remembered; default 2 m.', 1),
    maxRejectionRatio: ratio('The largest part that is refused; default 1.'),
    refusedIf: condition('Which failures say that the upstream refused a call; default overload.', ...refusals),
  },
  alone: 'k',
  optionsOf: ({ refusedIf }) => (refusedIf === undefined ? {} : { refusedIf: conditionOf(refusedIf) }),
  make: clientThrottling,
});
