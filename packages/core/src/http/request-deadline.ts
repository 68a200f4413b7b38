import { DEADLINE_HEADER, parseDeadline } from '../headers/deadline.ts';
import { type HeaderSource, headerValue } from '../headers/header-source.ts';
import { resolveOptions } from '../options/resolve.ts';
import { milliseconds, type Rules } from '../options/rules.ts';

/** A request as fetch has it, or as Node's http and frameworks upon it do. */
export interface RequestHeaders {
  readonly headers: HeaderSource;
}

/** Options of {@link deadlineFromRequest}. */
export interface DeadlineFromRequestOptions {
  /** The most that a caller can ask for, and what holds where it says nothing, in milliseconds; default: nothing. */
  readonly maxMs?: number | undefined;
  /** What the way back takes, in milliseconds, and is taken off what the caller says; default 0. */
  readonly marginMs?: number | undefined;
}

const DEFAULTS: { readonly marginMs: number } = Object.freeze({ marginMs: 0 });

const rules: Rules<DeadlineFromRequestOptions> = Object.freeze({ maxMs: milliseconds(), marginMs: milliseconds() });

/**
 * How many milliseconds a caller will still wait, from the header `breakwater-deadline-ms` of its request: what goes into
 * `deadlineMs` of the calls that are made for it, so that none goes on for nobody. 0 when it waits no longer; undefined
 * when neither it nor `maxMs` says anything.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function deadlineFromRequest(request: RequestHeaders, options?: DeadlineFromRequestOptions): number | undefined {
  const { maxMs, marginMs } = resolveOptions('deadlineFromRequest', options, DEFAULTS, rules);
  const named = parseDeadline(headerValue(request.headers, DEADLINE_HEADER));
  if (named === undefined) return maxMs;
  return Math.min(Math.max(0, named - marginMs), maxMs ?? Infinity);
}
