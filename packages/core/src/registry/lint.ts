/**
 * Looks for pipelines that can't do what their policies say: a time limit that no attempt fits into, a breaker that never
 * sees enough calls, a retry that multiplies another. It reads the options that policies tell; of functions it knows
 * nothing, and says nothing.
 */
import { CircuitOpenError } from '../circuit-breaker/errors.ts';
import { formatDuration } from '../options/duration.ts';
import type { Policy } from '../policy/policy.ts';
import type { CurrentLimit } from '../rate-limit/rate-limiter.ts';
import { isRetryable } from '../gates/retryable.ts';
import { optionsOf, type RowEntry, rowOf } from './policy-row.ts';
import { fixed, number, worstCaseMs } from './worst-case.ts';

/** What a finding is about. */
export type LintCode =
  | 'NO_TIMEOUT'
  | 'OUTER_TIMEOUT_TOO_SHORT'
  | 'ATTEMPTS_EXCEED_TIMEOUT'
  | 'NESTED_RETRIES'
  | 'OPEN_BREAKER_RETRIED'
  | 'SAMPLING_TOO_SHORT'
  | 'THROUGHPUT_UNREACHABLE'
  | 'FALLBACK_INSIDE_RETRY'
  | 'QUEUE_OUTLASTS_TIMEOUT'
  | 'BUDGET_NOT_SHARED';

/** Something that a pipeline can't do, or does otherwise than it looks. */
export interface LintFinding {
  readonly code: LintCode;
  /** `error`: a policy has no effect at all. `warning`: it acts otherwise than it looks. */
  readonly severity: 'error' | 'warning';
  /** Where: `inventory[1]`. */
  readonly place: string;
  /** What is the matter, in a sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

type Rule = (row: readonly RowEntry[]) => readonly LintFinding[];

/**
 * What is doubtful about a pipeline, the gravest first; nothing when all is well. A pipeline that stands in it counts as
 * its policies; one that is called by the function inside can't be seen.
 */
export function lintPipeline(pipeline: {
  readonly name?: string;
  readonly policies: readonly Policy[];
}): readonly LintFinding[] {
  const row = rowOf(pipeline);
  const name = pipeline.name ?? 'pipeline';
  const found = [...noTimeout(row, name), ...rules.flatMap((rule) => rule(row))];
  return found.toSorted((a, b) => gravity[a.severity] - gravity[b.severity]);
}

const gravity = { error: 0, warning: 1 } as const;
const ms = formatDuration;

const ofKind = (row: readonly RowEntry[], ...kinds: readonly string[]): { entry: RowEntry; at: number }[] =>
  row.map((entry, at) => ({ entry, at })).filter(({ entry }) => kinds.includes(entry.policy.kind));

/** The fixed time of the first timeout from `at` inward. */
function timeoutInside(row: readonly RowEntry[], at: number): number {
  const inner = ofKind(row.slice(at), 'timeout')[0];
  return inner === undefined ? Infinity : fixed(optionsOf(inner.entry.policy)['timeoutMs']);
}

/** The shortest fixed timeout outside `at`. */
function timeoutOutside(row: readonly RowEntry[], at: number): number {
  const times = ofKind(row.slice(0, at), 'timeout').map(({ entry }) => fixed(optionsOf(entry.policy)['timeoutMs']));
  return Math.min(Infinity, ...times);
}

function noTimeout(row: readonly RowEntry[], name: string): readonly LintFinding[] {
  if (row.length === 0 || ofKind(row, 'timeout').length > 0) return [];
  return [
    {
      code: 'NO_TIMEOUT',
      severity: 'warning',
      place: name,
      message: 'Nothing limits the time of a call: an upstream that hangs holds it, and what it has taken, for ever.',
      remedy: 'Put timeout({ timeoutMs }) outermost for the whole call, and one innermost for each attempt.',
    },
  ];
}

const outerTimeoutTooShort: Rule = (row) =>
  ofKind(row, 'timeout').flatMap(({ entry, at }) => {
    const outer = timeoutOutside(row, at);
    const inner = fixed(optionsOf(entry.policy)['timeoutMs']);
    if (!Number.isFinite(inner) || outer > inner) return [];
    return [
      {
        code: 'OUTER_TIMEOUT_TOO_SHORT',
        severity: 'error',
        place: entry.place,
        message: `A timeout outside ends the call after ${ms(outer)}, so this one of ${ms(inner)} never acts, and a second attempt never starts.`,
        remedy: 'Make the outer timeout longer than one attempt, or leave one of the two out.',
      },
    ];
  });

const attemptsExceedTimeout: Rule = (row) =>
  ofKind(row, 'timeout').flatMap(({ entry, at }) => {
    const retries = ofKind(row.slice(at + 1), 'retry');
    const limit = fixed(optionsOf(entry.policy)['timeoutMs']);
    const worst = worstCaseMs(row, at + 1);
    // One attempt that does not fit is another finding.
    if (retries.length === 0 || !Number.isFinite(worst) || worst <= limit || timeoutInside(row, at + 1) >= limit)
      return [];
    return [
      {
        code: 'ATTEMPTS_EXCEED_TIMEOUT',
        severity: 'warning',
        place: entry.place,
        message: `All attempts with their waits may take ${ms(worst)}, this timeout ends the call after ${ms(limit)}: when the upstream is slow, the last attempts never happen.`,
        remedy: 'Shorten the attempts or their waits, make fewer of them, or give the whole call more time.',
      },
    ];
  });

const nestedRetries: Rule = (row) => {
  const retries = ofKind(row, 'retry');
  if (retries.length < 2) return [];
  const counts = retries.map(({ entry }) => number(optionsOf(entry.policy)['maxAttempts'], 1));
  const product = counts.reduce((all, count) => all * count, 1);
  if (counts.filter((count) => count > 1).length < 2) return [];
  return [
    {
      code: 'NESTED_RETRIES',
      severity: 'warning',
      place: retries[1]!.entry.place,
      message: `A retry inside a retry: ${counts.join(' × ')} attempts make up to ${product} calls of the upstream for one of yours.`,
      remedy: 'Retry in one place, the one that knows which failures pass.',
    },
  ];
};

const openBreakerRetried: Rule = (row) =>
  ofKind(row, 'retry').flatMap(({ entry, at }) => {
    const breaker = ofKind(row.slice(at + 1), 'circuit-breaker')[0];
    const { retryIf, maxAttempts } = optionsOf(entry.policy);
    if (breaker === undefined || number(maxAttempts, 1) < 2) return [];
    if (!wouldRetry(retryIf, new CircuitOpenError(breaker.entry.policy.name ?? 'circuit-breaker', 30_000))) return [];
    return [
      {
        code: 'OPEN_BREAKER_RETRIED',
        severity: 'warning',
        place: entry.place,
        message: 'This retry repeats calls that the breaker inside it has refused: it waits for an answer that it has.',
        remedy: 'Let retryIf begin with isRetryable(error) &&, which leaves refusals by a breaker out.',
      },
    ];
  });

function wouldRetry(retryIf: unknown, error: unknown): boolean {
  if (typeof retryIf !== 'function') return isRetryable(error);
  try {
    return (retryIf as (error: unknown, attempt: number) => unknown)(error, 1) === true;
  } catch {
    // A condition that wants another kind of error says nothing about this one.
    return false;
  }
}

const samplingTooShort: Rule = (row) =>
  ofKind(row, 'circuit-breaker').flatMap(({ entry, at }) => {
    const window = samplingOf(entry.policy);
    const attempt = timeoutInside(row, at + 1);
    if (window === undefined || !Number.isFinite(attempt) || window.samplingMs >= 2 * attempt) return [];
    return [
      {
        code: 'SAMPLING_TOO_SHORT',
        severity: 'warning',
        place: entry.place,
        message: `The breaker looks at the last ${ms(window.samplingMs)}, an attempt may take ${ms(attempt)}: timeouts leave the window before enough of them have come together.`,
        remedy: `Make samplingMs at least twice the timeout of an attempt: ${ms(2 * attempt)}.`,
      },
    ];
  });

const throughputUnreachable: Rule = (row) =>
  ofKind(row, 'circuit-breaker').flatMap(({ entry, at }) => {
    const window = samplingOf(entry.policy);
    if (window === undefined) return [];
    const most = Math.min(...row.map((other) => mostCalls(other, row, at, window.samplingMs)));
    if (most >= window.minThroughput) return [];
    return [
      {
        code: 'THROUGHPUT_UNREACHABLE',
        severity: 'error',
        place: entry.place,
        message: `The breaker wants ${window.minThroughput} calls in ${ms(window.samplingMs)}, the policies beside it let at most ${Math.floor(most)} through while the upstream hangs: it never opens.`,
        remedy: 'Lower minThroughput, lengthen samplingMs, or count calls instead: trip: consecutive(5).',
      },
    ];
  });

/** How many calls another policy lets through in a window, when each takes as long as it may. */
function mostCalls(other: RowEntry, row: readonly RowEntry[], breakerAt: number, windowMs: number): number {
  // Nobody knows how many keys there are.
  if (other.ofKey) return Infinity;
  const options = optionsOf(other.policy);
  if (other.policy.kind === 'rate-limit') {
    const { limits = [] } =
      (other.policy as { readonly limiter?: { readonly limits?: readonly CurrentLimit[] } }).limiter ?? {};
    return Math.min(...limits.map(({ limit, periodMs, burst }) => (limit * windowMs) / periodMs + burst));
  }
  if (other.policy.kind !== 'bulkhead') return Infinity;
  const attempt = timeoutInside(row, breakerAt + 1);
  // Those that end with the window's first instant count as well as those that end with its last.
  const rounds = Math.floor(windowMs / attempt) + 1;
  return Number.isFinite(attempt) ? number(options['maxConcurrent'], Infinity) * rounds : Infinity;
}

/** The window of a breaker that goes by a ratio in time. */
function samplingOf(policy: Policy): { samplingMs: number; minThroughput: number } | undefined {
  const { trip, samplingMs, minThroughput } = optionsOf(policy);
  if (trip !== undefined || typeof samplingMs !== 'number' || typeof minThroughput !== 'number') return undefined;
  return { samplingMs, minThroughput };
}

const fallbackInsideRetry: Rule = (row) =>
  ofKind(row, 'fallback').flatMap(({ entry, at }) => {
    const outside = ofKind(row.slice(0, at), 'retry')[0];
    if (outside === undefined) return [];
    return [
      {
        code: 'FALLBACK_INSIDE_RETRY',
        severity: 'error',
        place: entry.place,
        message: `The fallback answers before ${outside.entry.place} sees a failure: the retry never tries again.`,
        remedy: 'Put the fallback outside the retry: as the first policy.',
      },
    ];
  });

const queueOutlastsTimeout: Rule = (row) =>
  ofKind(row, 'bulkhead', 'adaptive-concurrency').flatMap(({ entry, at }) => {
    const outer = timeoutOutside(row, at);
    const options = optionsOf(entry.policy);
    const maxQueue = number(options['maxQueue'], 0);
    if (maxQueue === 0 || !Number.isFinite(outer)) return [];
    const allowed = number(options['maxQueueWaitMs'], Infinity);
    // Little's law: so long does the last of a full queue wait when every call takes as long as it may.
    const concurrent = number(options['maxConcurrent'] ?? options['initialLimit'], Infinity);
    const drained = (maxQueue * timeoutInside(row, at + 1)) / concurrent;
    const wait = Math.min(allowed, drained);
    if (!Number.isFinite(wait) || wait < outer) return [];
    return [
      {
        code: 'QUEUE_OUTLASTS_TIMEOUT',
        severity: 'warning',
        place: entry.place,
        message: `A call may wait ${ms(wait)} in the queue, and a timeout outside ends it after ${ms(outer)}: the end of the queue waits for nothing, and keeps others waiting.`,
        remedy: 'Set maxQueueWaitMs well below the timeout, or shorten the queue.',
      },
    ];
  });

const budgetNotShared: Rule = (row) => {
  const hedge = ofKind(row, 'hedge')[0]?.entry;
  const retry = ofKind(row, 'retry').find(({ entry }) => number(optionsOf(entry.policy)['maxAttempts'], 1) > 1)?.entry;
  if (hedge === undefined || retry === undefined) return [];
  const [one, other] = [optionsOf(hedge.policy)['budget'], optionsOf(retry.policy)['budget']];
  if (one !== undefined && one === other) return [];
  return [
    {
      code: 'BUDGET_NOT_SHARED',
      severity: 'warning',
      place: hedge.place,
      message: 'Hedge and retry each send more to an upstream that is slow, and neither knows of the other.',
      remedy: 'Give both the same budget: const budget = retryBudget().',
    },
  ];
};

const rules: readonly Rule[] = [
  outerTimeoutTooShort,
  attemptsExceedTimeout,
  nestedRetries,
  openBreakerRetried,
  samplingTooShort,
  throughputUnreachable,
  fallbackInsideRetry,
  queueOutlastsTimeout,
  budgetNotShared,
];
