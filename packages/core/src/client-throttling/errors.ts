import { BreakwaterError, nameError } from '../errors/breakwater-error.ts';

/**
 * The upstream accepts so little of what it is asked that this call was not sent. Code `CLIENT_THROTTLED`, category
 * `rate_limit`.
 */
export class ClientThrottledError extends BreakwaterError {
  constructor(policy: string, rejectionRatio: number) {
    const percent = Math.round(rejectionRatio * 100);
    super(`the upstream accepts too few calls: ${percent} % of them are not sent (${policy})`, {
      code: 'CLIENT_THROTTLED',
      category: 'rate_limit',
      policy,
      details: { rejectionRatio },
    });
  }
}
nameError(ClientThrottledError, 'ClientThrottledError');
