// Calls that fail, or are refused. The error is made once: how an Error collects its stack is nobody's merit.
import { consecutive, pipeline } from '../../packages/core/dist/index.js';
import { cockatielPolicies, mollitiaCircuit, mollitiaModules, opossumOptions, ours, work } from '../policies.mjs';
import { catching } from '../run.mjs';

const downtime = new Error('down');
const fail = async () => {
  throw downtime;
};
const hourMs = 3_600_000;
/** More calls than a run makes: the breaker counts failures and stays closed. */
const never = 2 ** 31;

async function openBreaker() {
  const breaker = ours.breaker({ trip: consecutive(1), breakMs: hourMs });
  const policy = pipeline(breaker);
  await policy.tryExecute(fail);
  return policy;
}

export const failures = [
  {
    name: 'rejection by an open breaker, thrown',
    ceiling: 16,
    loop: catching,
    rejects: true,
    ours: async () => {
      const policy = await openBreaker();
      return () => policy.execute(work);
    },
    rivals: {
      cockatiel: async (use) => {
        const { circuitBreaker, ConsecutiveBreaker, handleAll } = use('cockatiel');
        const policy = circuitBreaker(handleAll, { halfOpenAfter: hourMs, breaker: new ConsecutiveBreaker(1) });
        await policy.execute(fail).catch(() => {});
        return () => policy.execute(work);
      },
      opossum: (use) => {
        const { default: CircuitBreaker } = use('opossum');
        const breaker = new CircuitBreaker(work, opossumOptions({ resetTimeout: hourMs }));
        breaker.open();
        return () => breaker.fire();
      },
      mollitia: (use) => {
        const mollitia = use('mollitia');

        const breaker = mollitiaModules(mollitia).breaker({
          state: mollitia.BreakerState.OPENED,
          openStateDelay: hourMs,
        });
        return mollitiaCircuit(mollitia, [breaker]);
      },
      'Deno std': (use) => use('@std/async'),
    },
  },
  {
    name: 'rejection by an open breaker, as an outcome',
    ceiling: 2,
    ours: async () => {
      const policy = await openBreaker();
      return () => policy.tryExecute(work);
    },
    rivals: {},
  },
  {
    name: 'failure passing a closed breaker',
    ceiling: 36,
    loop: catching,
    rejects: true,
    ours: () => {
      const policy = pipeline(ours.breaker({ minThroughput: never }));
      return () => policy.execute(fail);
    },
    rivals: {
      'the bare failure': () => fail,
      cockatiel: (use) => {
        const { SamplingBreaker, ...cockatiel } = use('cockatiel');
        const breaker = new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: never });
        const policy = cockatielPolicies(cockatiel).breaker(breaker);
        return () => policy.execute(fail);
      },
      opossum: (use) => {
        const { default: CircuitBreaker } = use('opossum');
        const breaker = new CircuitBreaker(fail, opossumOptions({ volumeThreshold: never }));
        return () => breaker.fire();
      },
      mollitia: (use) => {
        const mollitia = use('mollitia');
        const breaker = mollitiaModules(mollitia).breaker({ failureRateThreshold: 101 });
        return mollitiaCircuit(mollitia, [breaker], fail);
      },
    },
  },
];
