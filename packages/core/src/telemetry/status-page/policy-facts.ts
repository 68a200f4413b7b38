/** What is shown of a policy: of the library's own what matters, of others the numbers that they tell. */
import type { ListedPolicy } from './registry-port.ts';
import { type Fact, type Meter, type PolicyView, shownMs, shownNumber, shownRatio, type Tone } from './view.ts';

type Shown = Partial<Pick<PolicyView, 'tone' | 'state' | 'meters' | 'facts' | 'value' | 'plot'>>;
type Numbers = (name: string) => number | undefined;

/** States of a breaker in the order of their plot. */
const BREAKER_STATES: Readonly<Record<string, Tone>> = {
  closed: 'good',
  'half-open': 'warn',
  open: 'bad',
  isolated: 'bad',
};

const KINDS: Readonly<Record<string, (state: Numbers, options: Numbers, policy: ListedPolicy) => Shown>> = {
  'circuit-breaker': breaker,
  bulkhead: (state, options) => ({
    ...used(state('running'), options('maxConcurrent')),
    meters: meters(
      ['running', state('running'), options('maxConcurrent')],
      ['queued', state('queued'), options('maxQueue')],
    ),
    facts: facts(
      ['admitted', state('statistics.admitted')],
      ['refused', total(state('statistics.refused'), state('statistics.refusedAfterWait'))],
    ),
  }),
  'adaptive-concurrency': (state) => ({
    ...used(state('inflight'), state('limit')),
    meters: meters(['in flight', state('inflight'), state('limit')]),
    facts: [
      ...facts(['limit', state('limit')], ['queued', state('queued')], ['refused', state('statistics.refused')]),
      ...times(['round trip', state('rttMs')]),
    ],
  }),
  'rate-limit': rateLimit,
  retry: (state, options) => ({
    facts: facts(
      ['attempts at most', options('maxAttempts')],
      ['retries', state('statistics.retries')],
      ['exhausted', state('statistics.exhausted')],
    ),
    ...plotted(state('statistics.retries')),
  }),
  timeout: (_state, options) => ({ facts: times(['after', options('timeoutMs')]) }),
  hedge: (state) => ({
    facts: [
      ...times(['delay', state('delayMs')]),
      ...facts(['hedges', state('statistics.hedges')], ['answered by a hedge', state('statistics.answeredByHedge')]),
    ],
  }),
  'client-throttling': (state) => ({
    tone: toneOf(state('rejectionRatio'), 0.001, 0.5),
    facts: [
      ...ratios(['refused', state('rejectionRatio')]),
      ...facts(['requests', state('requests')], ['accepted', state('accepts')]),
    ],
    ...plotted(state('rejectionRatio')),
  }),
  shedding: (state) => ({
    tone: toneOf(state('load'), 0.5, 1),
    meters: meters(['load', state('load'), 1]),
    facts: facts(['refused', state('statistics.refused')]),
    ...plotted(state('load')),
  }),
  keyed: (state, options) => ({
    meters: meters(['keys', state('size'), options('maxKeys')]),
    ...plotted(state('size')),
  }),
  fallback: () => ({}),
  pipeline: () => ({}),
};

/** The policy with what is shown of it; `clean` takes out of a name what should not be shown. */
export function policyView(policy: ListedPolicy, place: string, clean: (text: string) => string): PolicyView {
  const known = Object.hasOwn(KINDS, policy.kind) ? KINDS[policy.kind]! : unknownKind;
  const shown = known(numbersOf(policy.state), numbersOf(policy.options), policy);
  const inner = policy.policies?.map((each, index) => policyView(each, `${place}.${index}`, clean));
  return {
    place,
    kind: clean(policy.kind),
    name: clean(policy.name),
    tone: 'idle',
    meters: [],
    facts: [],
    isBreaker: policy.kind === 'circuit-breaker',
    ...shown,
    ...(inner !== undefined && { policies: inner }),
  };
}

function breaker(state: Numbers, _options: Numbers, { state: told }: ListedPolicy): Shown {
  const name =
    typeof told['state'] === 'string' && Object.hasOwn(BREAKER_STATES, told['state']) ? told['state'] : 'unknown';
  const retryAfterMs = state('retryAfterMs');
  const waits = name === 'open' ? times(['lets a call through in', retryAfterMs]) : [];
  return {
    tone: BREAKER_STATES[name] ?? 'idle',
    state: name,
    facts: [
      ...times(['for', state('timeInStateMs')]),
      ...waits,
      ...ratios(['failing', state('failureRatio')]),
      ...facts(['of calls', state('throughput')]),
    ],
    plot: 'state',
    value: Math.max(0, Object.keys(BREAKER_STATES).indexOf(name)),
  };
}

function rateLimit(state: Numbers, _options: Numbers, { state: told }: ListedPolicy): Shown {
  const limits = (Array.isArray(told['limits']) ? told['limits'] : []).flatMap((each: unknown) => {
    const numbers = numbersOf(Object(each) as Readonly<Record<string, unknown>>);
    const [most, periodMs] = [numbers('limit'), numbers('periodMs')];
    return most === undefined || periodMs === undefined ? [] : [`${shownNumber(most)} in ${shownMs(periodMs)}`];
  });
  const limit: Fact[] = limits.length === 0 ? [] : [{ label: 'allows', value: limits.join(', ') }];
  return {
    tone: (state('statistics.waiting') ?? 0) > 0 ? 'warn' : 'good',
    facts: [
      ...limit,
      ...facts(
        ['waiting', state('statistics.waiting')],
        ['admitted', state('statistics.admitted')],
        ['refused', state('statistics.refused')],
      ),
    ],
    ...plotted(state('statistics.waiting')),
  };
}

/** A policy of the user's: numbers at the top of its state, and only those. */
function unknownKind(state: Numbers, _options: Numbers, policy: ListedPolicy): Shown {
  return {
    facts: facts(
      ...Object.keys(policy.state)
        .slice(0, 8)
        .map((name) => [words(name), state(name)] as const),
    ),
  };
}

/** Reads numbers by their path. */
function numbersOf(record: Readonly<Record<string, unknown>>): Numbers {
  return (path) => {
    let value: unknown = record;
    for (const name of path.split('.')) value = (Object(value) as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
  };
}

type Entry = readonly [label: string, value: number | undefined];

function shownWith(show: (value: number) => string): (...entries: readonly Entry[]) => Fact[] {
  return (...entries) =>
    entries.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value: show(value) }]));
}

function facts(...entries: readonly Entry[]): Fact[] {
  return shownWith(shownNumber)(...entries);
}

function ratios(...entries: readonly Entry[]): Fact[] {
  return shownWith(shownRatio)(...entries);
}

function times(...entries: readonly Entry[]): Fact[] {
  return shownWith((ms) => (ms === Infinity ? 'unlimited' : shownMs(ms)))(...entries);
}

function meters(...entries: readonly (readonly [string, number | undefined, number | undefined])[]): Meter[] {
  return entries.flatMap(([label, amount, of]) =>
    amount === undefined || of === undefined || of <= 0 || of === Infinity ? [] : [{ label, used: amount, of }],
  );
}

function used(amount: number | undefined, of: number | undefined): Shown {
  const ratio = amount === undefined || of === undefined || of <= 0 ? undefined : amount / of;
  return { tone: toneOf(ratio, 0.8, 1), ...plotted(amount) };
}

function plotted(value: number | undefined): Shown {
  return value === undefined ? {} : { plot: 'value', value };
}

function toneOf(value: number | undefined, warn: number, bad: number): Tone {
  if (value === undefined) return 'idle';
  return value >= bad ? 'bad' : value >= warn ? 'warn' : 'good';
}

function total(...values: readonly (number | undefined)[]): number | undefined {
  return values.every((value) => value === undefined)
    ? undefined
    : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

const words = (name: string): string => name.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
