/**
 * The header that carries a deadline from a client to a server that understands it. Its value is relative, the
 * milliseconds that the caller will still wait, because the clocks of two machines differ by more than a deadline.
 */
export const DEADLINE_HEADER = 'breakwater-deadline-ms';

/**
 * The value of {@link DEADLINE_HEADER} for a call that has `remainingMs` left: whole milliseconds, rounded down.
 * Undefined when it has no deadline.
 */
export function formatDeadline(remainingMs: number): string | undefined {
  return Number.isFinite(remainingMs) ? String(Math.max(0, Math.floor(remainingMs))) : undefined;
}

/** The milliseconds that the caller will still wait, from the value of {@link DEADLINE_HEADER}; undefined when it says nothing valid. */
export function parseDeadline(value: string | null | undefined): number | undefined {
  if (typeof value !== 'string' || !/^\s*\d{1,15}\s*$/.test(value)) return undefined;
  return Number(value);
}
