import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/**
 * The breaker is open, half-open with all its probes out, or lets only a share of the calls through. Code `CIRCUIT_OPEN`,
 * category `circuit_breaker`.
 */
export class CircuitOpenError extends BreakwaterError {
  constructor(policy: string, retryAfterMs?: number) {
    super(`the circuit is open (${policy})`, {
      code: 'CIRCUIT_OPEN',
      category: 'circuit_breaker',
      policy,
      retryAfterMs,
    });
  }
}
nameError(CircuitOpenError, 'CircuitOpenError');

/** Somebody has isolated the upstream by hand. Code `CIRCUIT_ISOLATED`, category `circuit_breaker`. */
export class CircuitIsolatedError extends BreakwaterError {
  constructor(policy: string, reasons: readonly string[]) {
    const why = reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
    super(`the circuit is isolated (${policy})${why}`, {
      code: 'CIRCUIT_ISOLATED',
      category: 'circuit_breaker',
      policy,
      details: { reasons },
    });
  }
}
nameError(CircuitIsolatedError, 'CircuitIsolatedError');
