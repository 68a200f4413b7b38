import type { Clock, Random } from 'breakwater/clock';
import { classify, isBreakwaterError } from 'breakwater/errors';
import type { StreamQuery } from '../contract/query.ts';
import type { ChangeCause, ResyncReason } from '../contract/stream.ts';
import { InvalidResponse } from '../errors/errors.ts';
import { failureOfCall } from '../errors/failure-of-call.ts';
import { sleep } from '../transport/sleep.ts';
import type { StreamEvent } from '../transport/transport.ts';
import { type Logger, tell } from './logger.ts';

/** What `watch` tells. Each has its position in the log, to go on from with `since`. */
export type WatchEvent = WatchReady | WatchChange | WatchResync;

/** The first event, unless `since` was given: every change from here on follows. What is read now is a complete beginning. */
export interface WatchReady {
  readonly type: 'ready';
  readonly position: string;
}

/** What is kept of a device is no longer what it was. It may come twice. */
export interface WatchChange {
  readonly type: 'change';
  readonly position: string;
  readonly deviceId: string;
  readonly cause: ChangeCause;
  /** The categories whose readings changed; empty for other causes. */
  readonly categories: readonly string[];
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** Changes may have been missed: what was read before may be old. Those from here on follow. */
export interface WatchResync {
  readonly type: 'resync';
  readonly position: string;
  readonly reason: ResyncReason;
}

/** What a watch needs of its client. */
export interface Watching {
  /** The changes after a position over one connection, to wherever the cache is now. */
  readonly changes: (query: StreamQuery, signal: AbortSignal) => AsyncIterable<StreamEvent>;
  readonly logger: () => Logger | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** The longest wait before the first return, in milliseconds; it doubles up to the second number. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
const MOST_DOUBLINGS = 10;
const LONGEST_ASKED_MS = 60_000;

/**
 * The changes, for as long as somebody reads. A connection that breaks is made anew after a wait, and resumed where it had
 * come to; what that can't mend (a wrong token, a wrong query, something else than the device cache) ends it with its error.
 */
export async function* watchChanges(
  watching: Watching,
  query: StreamQuery,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  let position = query.since;
  let failures = 0;
  let askedMs = 0;
  while (!signal.aborted) {
    const connection = new AbortController();
    const end = (): void => connection.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    try {
      for await (const event of watching.changes({ ...query, since: position }, connection.signal)) {
        failures = 0;
        const told = toldEvent(event, position !== undefined);
        ({ position } = told);
        yield told;
      }
    } catch (error) {
      if (!signal.aborted && isHopeless(error)) throw failureOfCall(error, 'watch');
      tellOfBreak(watching, error, signal);
      askedMs = askedWaitMs(error);
    } finally {
      signal.removeEventListener('abort', end);
      connection.abort();
    }
    await pause(watching, failures, askedMs, signal);
    askedMs = 0;
    failures = Math.min(failures + 1, MOST_DOUBLINGS);
  }
}

/** An event for the reader. A connection that was to go on and begins anew has a gap before it. */
function toldEvent(event: StreamEvent, isResumed: boolean): WatchEvent {
  const { position } = event;
  switch (event.type) {
    case 'ready':
      return isResumed ? { type: 'resync', position, reason: 'unknown-position' } : { type: 'ready', position };
    case 'resync':
      return { type: 'resync', position, reason: event.resync.reason };
    case 'change': {
      const { deviceId, cause, categories, at } = event.change;
      return { type: 'change', position, deviceId, cause, categories, at };
    }
  }
}

/** What another try would meet again. A limit passes, and so does trouble of the service or the network. */
const isHopeless = (error: unknown): boolean =>
  error instanceof InvalidResponse ||
  ['validation', 'authentication', 'configuration'].includes(classify(error).category);

function tellOfBreak({ logger }: Watching, error: unknown, signal: AbortSignal): void {
  if (signal.aborted) return;
  tell(logger(), 'warn', () => `device cache: the stream of changes broke off, and is resumed: ${messageOf(error)}`);
}

/** How long the service wants to be left alone; a minute at most. */
const askedWaitMs = (error: unknown): number =>
  Math.min(LONGEST_ASKED_MS, isBreakwaterError(error) ? (error.retryAfterMs ?? 0) : 0);

/** Waits before the next connection, as long as was asked for and by lot; not at all once the reader has gone. */
async function pause(
  { clock, random }: Watching,
  failures: number,
  askedMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const waitMs = askedMs + random.next() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  await sleep(clock, waitMs, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
