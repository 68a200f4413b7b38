/** Random schedules of calls, their ends, waits, jumps of the wall clock and commands. */
import fc from 'fast-check';
import type { ReferenceRule, ReferenceSettings } from './reference-breaker.ts';

export type Step =
  | { readonly do: 'call' | 'isolate' | 'release' | 'forceOpen' | 'forceHalfOpen' | 'reset' | 'save' | 'hydrate' }
  | { readonly do: 'succeed' | 'fail' | 'failNamed' | 'abort'; readonly which: number }
  | { readonly do: 'wait' | 'jump'; readonly ms: number };

export interface Schedule {
  readonly settings: Omit<ReferenceSettings, 'needed'> & { readonly successRatio: number };
  readonly steps: readonly Step[];
}

const SAMPLING_MS = 200;

const rules: fc.Arbitrary<readonly ReferenceRule[]> = fc.constantFrom<readonly ReferenceRule[]>(
  [{ kind: 'consecutive', failures: 1 }],
  [{ kind: 'consecutive', failures: 3 }],
  [{ kind: 'count', size: 5, failures: 3 }],
  [{ kind: 'ratio', failureRatio: 0.5, minThroughput: 4 }],
  [{ kind: 'slow', slowCallMs: 50, slowCallRatio: 0.5, minThroughput: 2 }],
  [
    { kind: 'ratio', failureRatio: 0.6, minThroughput: 3 },
    { kind: 'consecutive', failures: 4 },
    { kind: 'slow', slowCallMs: 100, slowCallRatio: 1, minThroughput: 2 },
  ],
);

const settings = fc.record({
  rules,
  samplingMs: fc.constant(SAMPLING_MS),
  stepsMs: fc.constantFrom<readonly number[]>([100], [50, 100, 400]),
  maxRetryAfterMs: fc.constantFrom(0, 60, 1_000),
  probes: fc.integer({ min: 1, max: 3 }),
  successRatio: fc.constantFrom(0.5, 1),
  leaseMs: fc.constantFrom(150, 1_000),
  rampMs: fc.constantFrom(0, 0, 90),
  lot: fc.constantFrom(0.05, 0.2, 0.4, 0.9),
});

const which = fc.nat(20);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('call' as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('succeed' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('fail' as const, 'failNamed' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 30, 50, 99, 100, 150, 401) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-1_000, 60, 86_400_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['isolate', 'release', 'release', 'forceOpen', 'forceHalfOpen', 'reset', 'save', 'hydrate'] as const),
      ),
    }),
  },
);

/** Schedules of up to so many steps. */
export function schedules(maxLength: number): fc.Arbitrary<Schedule> {
  return fc.record({ settings, steps: fc.array(steps, { minLength: 5, maxLength, size: 'max' }) });
}
