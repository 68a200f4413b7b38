import { BreakwaterError, nameError } from './breakwater-error.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigurationFault {
  /** Where: `retry.maxAttempts`. */
  readonly path: string;
  /** What would be right: `an integer of at least 1`. */
  readonly expected: string;
  /** What came, shortened. */
  readonly received: string;
  /** A guess at what was meant: `did you mean maxAttempts?` */
  readonly hint?: string;
}

/**
 * Options that can't be meant, with all faults at once. Thrown when a policy is made or put together, never by a call.
 * Code `CONFIGURATION`, category `configuration`.
 */
export class ConfigurationError extends BreakwaterError {
  readonly faults: readonly ConfigurationFault[];

  constructor(faults: readonly ConfigurationFault[]) {
    super(faults.map(sentence).join('\n'), { code: 'CONFIGURATION', category: 'configuration', details: { faults } });
    this.faults = faults;
  }
}
nameError(ConfigurationError, 'ConfigurationError');

function sentence(fault: ConfigurationFault): string {
  const hint = fault.hint === undefined ? '' : ` (${fault.hint})`;
  return `${fault.path}: expected ${fault.expected}, received ${fault.received}${hint}`;
}
