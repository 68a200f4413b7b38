/** The wait that an error names by a numeric `retryAfterMs`, in milliseconds from 0 on, whoever threw it. */
export function namedWaitMs(error: unknown): number | undefined {
  try {
    const waitMs = (error as { readonly retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
    return typeof waitMs === 'number' && waitMs >= 0 ? waitMs : undefined;
  } catch {
    // An error whose properties can't be read, such as a proxy that was revoked, names none.
    return undefined;
  }
}
