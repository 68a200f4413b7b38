/** What kind of trouble an error is: what decides whether to retry, to alert, or to tell the user. */
export type ErrorCategory =
  | 'validation'
  | 'authentication'
  | 'rate_limit'
  | 'circuit_breaker'
  | 'timeout'
  | 'bulkhead'
  | 'external_service'
  | 'database'
  | 'cache'
  | 'network'
  | 'parsing'
  | 'configuration'
  | 'internal';
