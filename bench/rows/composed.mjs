// Several policies, and the function succeeds.
import { pipeline } from '../../packages/core/dist/index.js';
import {
  cockatielPolicies,
  limits,
  mollitiaCircuit,
  mollitiaModules,
  opossumOptions,
  ours,
  pRetryOptions,
  timeoutMs,
  work,
} from '../policies.mjs';

const three = ['timeout', 'retry', 'breaker'];
const five = ['fallback', 'timeout', 'retry', 'breaker', 'bulkhead'];

const oursOf = (kinds) => () => {
  const policy = pipeline(...kinds.map((kind) => ours[kind]()));
  return () => policy.execute(work);
};

const cockatielOf = (kinds) => (use) => {
  const cockatiel = use('cockatiel');
  const policies = cockatielPolicies(cockatiel);
  const policy = cockatiel.wrap(...kinds.map((kind) => policies[kind]()));
  return () => policy.execute(work);
};

const mollitiaOf = (kinds) => (use) => {
  const mollitia = use('mollitia');
  const modules = mollitiaModules(mollitia);
  return mollitiaCircuit(
    mollitia,
    kinds.map((kind) => modules[kind]()),
  );
};

/** What people put together who use neither: attempts by p-retry, all else that they can have in opossum. */
const pRetryAroundOpossum = (options) => (use) => {
  const { default: pRetry } = use('p-retry');
  const { default: CircuitBreaker } = use('opossum');
  const breaker = new CircuitBreaker(work, opossumOptions(options));
  const fire = () => breaker.fire();
  return () => pRetry(fire, pRetryOptions);
};

/** A sixth policy of each kind in turn: the row is the mean of what they add. */
const sixth = (candidateOf) => five.map((kind) => candidateOf([...five, kind]));

export const composedPolicies = [
  {
    name: 'timeout around retry around breaker',
    ceiling: 5,
    ours: oursOf(three),
    rivals: {
      cockatiel: cockatielOf(three),
      mollitia: mollitiaOf(three),
      'p-retry around opossum': pRetryAroundOpossum({ timeout: timeoutMs }),
    },
  },
  {
    name: 'all five in one pipeline',
    ceiling: 6,
    ours: oursOf(five),
    rivals: {
      cockatiel: cockatielOf(five),
      mollitia: mollitiaOf(five),
      'p-retry around opossum': pRetryAroundOpossum({ timeout: timeoutMs, capacity: limits.concurrent }),
    },
  },
  {
    name: 'a sixth policy adds',
    ceiling: 0.6,
    ours: oursOf(five),
    oursMore: sixth(oursOf),
    rivals: { cockatiel: cockatielOf(five), mollitia: mollitiaOf(five) },
    rivalsMore: { cockatiel: sixth(cockatielOf), mollitia: sixth(mollitiaOf) },
  },
];

export const allocation = {
  name: 'bytes allocated, all five',
  ceiling: 1000,
  unit: 'bytes',
  ours: oursOf(five),
  rivals: { 'the bare call': () => work, ...composedPolicies[1].rivals },
};
