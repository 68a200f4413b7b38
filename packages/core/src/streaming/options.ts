import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { anything, either, positiveMilliseconds, type Rule, type Rules } from '../options/rules.ts';
import type { CallOptions } from '../policy/context.ts';

/** Options of {@link executeStream}: those of every call, and how long waits may be. */
export interface ExecuteStreamOptions extends CallOptions {
  /** How long an attempt may take to its first chunk, opening included, in milliseconds; default Infinity. */
  readonly firstChunkTimeoutMs?: number | undefined;
  /** How long the stream may be silent while its reader waits, in milliseconds; default Infinity. */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * How long the reader may leave the stream alone, in milliseconds, before it is broken off and its permits return;
   * default 300,000. Infinity: for ever.
   */
  readonly unreadTimeoutMs?: number | undefined;
}

/** What {@link executeStream} does when nothing else is said. */
export const EXECUTE_STREAM_DEFAULTS: Readonly<
  Required<Pick<ExecuteStreamOptions, 'firstChunkTimeoutMs' | 'idleTimeoutMs' | 'unreadTimeoutMs'>>
> = Object.freeze({ firstChunkTimeoutMs: Infinity, idleTimeoutMs: Infinity, unreadTimeoutMs: 300_000 });

/** A limit on a wait: a time above 0, or Infinity. */
export function waitLimit(): Rule<number> {
  return either(positiveMilliseconds(), {
    expected: 'Infinity',
    accepts: (value: unknown): value is number => value === Infinity,
  });
}

// What a call is told is checked by its pipeline.
const rules: Rules<ExecuteStreamOptions> = {
  firstChunkTimeoutMs: waitLimit(),
  idleTimeoutMs: waitLimit(),
  unreadTimeoutMs: waitLimit(),
  signal: anything(),
  key: anything(),
  priority: anything(),
  cost: anything(),
  deadlineMs: anything(),
  parent: anything(),
};

/** Options of {@link executeStream}, complete. */
export type ResolvedStreamOptions = Resolved<ExecuteStreamOptions, typeof EXECUTE_STREAM_DEFAULTS>;

/** @throws ConfigurationError with all faults at once. */
export function resolveStreamOptions(given: ExecuteStreamOptions | undefined): ResolvedStreamOptions {
  return resolveOptions('executeStream', given, EXECUTE_STREAM_DEFAULTS, rules);
}
