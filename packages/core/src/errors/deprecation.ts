const warned: Set<string> = new Set();

/** What is deprecated, since when, and what to use instead. */
export interface Deprecation {
  /** What is deprecated, as the user wrote it: `retry({ maxRetries })`. */
  readonly what: string;
  /** The version that deprecated it. */
  readonly since: string;
  /** What to write instead. */
  readonly instead: string;
}

/**
 * Warns once per process that something is deprecated, with the version and the replacement; on Node as a
 * DeprecationWarning (silenced by `--no-deprecation`), elsewhere on the console.
 */
export function warnDeprecated(deprecation: Deprecation): void {
  if (warned.has(deprecation.what)) return;
  warned.add(deprecation.what);
  const message = `${deprecation.what} is deprecated since ${deprecation.since}; use ${deprecation.instead}`;
  const { process, console } = globalThis as unknown as WarningSinks;
  if (process?.emitWarning === undefined) console.warn(`DeprecationWarning: ${message}`);
  else process.emitWarning(message, 'DeprecationWarning', 'BREAKWATER_DEPRECATED');
}

interface WarningSinks {
  readonly process?: { emitWarning?(message: string, type: string, code: string): void };
  readonly console: { warn(message: string): void };
}
