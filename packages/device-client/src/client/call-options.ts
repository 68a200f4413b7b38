import { failureOfCall } from '../errors/failure-of-call.ts';
import type { DeviceCallOptions } from './client-contract.ts';
import type { NearCacheWait } from './near-cache.ts';

/** What goes through the near cache fails in the client's own words too. */
export async function nearly<T>(
  what: string,
  options: DeviceCallOptions | undefined,
  get: () => Promise<T>,
): Promise<T> {
  try {
    return await get();
  } catch (error) {
    throw failureOfCall(error, what, isOwn(error, options));
  }
}

/** Whether an error is the reason of the caller's own abort, or of the call that this one is part of. */
export const isOwn = (error: unknown, options: DeviceCallOptions | undefined): boolean =>
  [options?.signal, options?.parent?.signal].some((signal) => signal?.aborted === true && signal.reason === error);

/** How long a caller waits for a load that others may wait for too. */
export function waitOf({ signal, deadlineMs = Infinity, parent }: DeviceCallOptions = {}): NearCacheWait {
  const signals = [signal, parent?.signal].filter((one) => one !== undefined);
  const leftMs = Math.min(deadlineMs, parent?.remainingMs ?? Infinity);
  return {
    signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
    // What is over already fails with the next turn.
    hardTimeoutMs: Math.max(1, leftMs),
  };
}

/** What of a call's options may go into a load that others share: a caller's abort and deadline are the caller's own. */
export const forAll = (options: DeviceCallOptions | undefined): DeviceCallOptions =>
  options?.priority === undefined ? {} : { priority: options.priority };
