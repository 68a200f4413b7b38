// One policy, and the function succeeds.
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

/** The candidates of cockatiel and mollitia for one policy. */
const composers = (kind) => ({
  cockatiel: (use) => {
    const policy = cockatielPolicies(use('cockatiel'))[kind]();
    return () => policy.execute(work);
  },
  mollitia: (use) => {
    const mollitia = use('mollitia');
    return mollitiaCircuit(mollitia, [mollitiaModules(mollitia)[kind]()]);
  },
});

const opossum = (options) => (use) => {
  const { default: CircuitBreaker } = use('opossum');
  const breaker = new CircuitBreaker(work, opossumOptions(options));
  return () => breaker.fire();
};

const oursAlone = (kind) => () => {
  const policy = pipeline(ours[kind]());
  return () => policy.execute(work);
};

export const singlePolicies = [
  {
    name: 'retry, success',
    ceiling: 3.4,
    ours: oursAlone('retry'),
    rivals: {
      ...composers('retry'),
      'p-retry': (use) => {
        const { default: pRetry } = use('p-retry');
        return () => pRetry(work, pRetryOptions);
      },
      'Deno std': (use) => use('@std/async'),
    },
  },
  {
    name: 'timeout, success',
    ceiling: 4,
    ours: oursAlone('timeout'),
    rivals: {
      ...composers('timeout'),
      'opossum, with its breaker': opossum({ timeout: timeoutMs }),
      'p-timeout': (use) => {
        const { default: pTimeout } = use('p-timeout');
        return () => pTimeout(work(), { milliseconds: timeoutMs });
      },
    },
  },
  {
    name: 'breaker, sampled ratio',
    ceiling: 3.3,
    ours: oursAlone('breaker'),
    rivals: { ...composers('breaker'), opossum: opossum(), 'Deno std': (use) => use('@std/async') },
  },
  {
    name: 'bulkhead',
    ceiling: 3,
    ours: oursAlone('bulkhead'),
    rivals: {
      ...composers('bulkhead'),
      'p-limit': (use) => {
        const { default: pLimit } = use('p-limit');
        const limit = pLimit(limits.concurrent);
        return () => limit(work);
      },
      'p-queue': (use) => {
        const { default: PQueue } = use('p-queue');
        const queue = new PQueue({ concurrency: limits.concurrent });
        return () => queue.add(work);
      },
      'opossum, with its breaker': opossum({ capacity: limits.concurrent }),
    },
  },
  {
    name: 'fallback',
    ceiling: 3.3,
    ours: oursAlone('fallback'),
    rivals: {
      ...composers('fallback'),
      'opossum, with its breaker': (use) => {
        const { default: CircuitBreaker } = use('opossum');
        const breaker = new CircuitBreaker(work, opossumOptions());
        breaker.fallback(() => 0);
        return () => breaker.fire();
      },
    },
  },
  {
    name: 'hedge, answered in time',
    ceiling: 9,
    ours: oursAlone('hedge'),
    // None of the others has one.
    rivals: {},
  },
];
