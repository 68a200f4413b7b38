import { BreakwaterError, nameError } from './breakwater-error.ts';
import { isSecretName } from './redactor.ts';

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

  constructor(given: readonly ConfigurationFault[]) {
    const faults = given.map(withoutSecret);
    super(faults.map(sentence).join('\n'), { code: 'CONFIGURATION', category: 'configuration', details: { faults } });
    this.faults = faults;
  }
}
nameError(ConfigurationError, 'ConfigurationError');

/** What came for a password is nobody's business, least of all when it came at the wrong place. */
function withoutSecret(fault: ConfigurationFault): ConfigurationFault {
  const name = fault.path.slice(fault.path.lastIndexOf('.') + 1);
  return isSecretName(name) && fault.received.startsWith("'") ? { ...fault, received: '[redacted]' } : fault;
}

function sentence(fault: ConfigurationFault): string {
  const hint = fault.hint === undefined ? '' : ` (${fault.hint})`;
  return `${fault.path}: expected ${fault.expected}, received ${fault.received}${hint}`;
}
