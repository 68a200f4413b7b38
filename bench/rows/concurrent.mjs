// Ten thousand calls under way at once, each of which ends with the next turn of the event loop.
import { pipeline } from '../../packages/core/dist/index.js';
import { cockatielPolicies, mollitiaCircuit, mollitiaModules, opossumOptions, ours, timeoutMs } from '../policies.mjs';
import { atOnce } from '../run.mjs';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve, 1));

export const concurrent = {
  name: '10,000 concurrent calls under a timeout',
  ceiling: 4,
  loop: atOnce,
  calls: 10_000,
  bare: nextTurn,
  ours: () => {
    const policy = pipeline(ours.timeout());
    return () => policy.execute(nextTurn);
  },
  rivals: {
    cockatiel: (use) => {
      const policy = cockatielPolicies(use('cockatiel')).timeout();
      return () => policy.execute(nextTurn);
    },
    mollitia: (use) => {
      const mollitia = use('mollitia');
      return mollitiaCircuit(mollitia, [mollitiaModules(mollitia).timeout()], nextTurn);
    },
    'opossum, with its breaker': (use) => {
      const { default: CircuitBreaker } = use('opossum');
      const breaker = new CircuitBreaker(nextTurn, opossumOptions({ timeout: timeoutMs }));
      return () => breaker.fire();
    },
    'p-timeout': (use) => {
      const { default: pTimeout } = use('p-timeout');
      return () => pTimeout(nextTurn(), { milliseconds: timeoutMs });
    },
  },
};
