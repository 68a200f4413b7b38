/**
 * An error with the one that came before it as its cause; unless it has a cause already, is no error, or comes from
 * that one itself: a substitute may well throw a part of what it was given.
 */
export function withCause(error: unknown, first: unknown): unknown {
  const open = error instanceof Error && !('cause' in error) && Object.isExtensible(error);
  if (open && !leadsTo(first, error))
    Object.defineProperty(error, 'cause', { value: first, configurable: true, writable: true, enumerable: false });
  return error;
}

/** Whether `cause` is `error` or stands behind it. */
function leadsTo(error: unknown, cause: unknown): boolean {
  const seen = new Set<unknown>();
  for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
    if (at === cause) return true;
    seen.add(at);
  }
  return false;
}
