/** What pino, winston and console share: one text for each level. */
export interface Logger {
  debug(message: string): unknown;
  info(message: string): unknown;
  warn(message: string): unknown;
  error(message: string): unknown;
}

/** Tells a logger, where there is one. A logger that throws must not end a call. */
export function tell(logger: Logger | undefined, level: keyof Logger, message: () => string): void {
  if (logger === undefined) return;
  try {
    logger[level](message());
  } catch {
    // There is nobody left to tell it to.
  }
}
