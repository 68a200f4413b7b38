/** The kinds of trouble that the library knows. */
export type BuiltInCategory =
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

/**
 * What kind of trouble an error is: what decides whether to retry, to alert, or to tell the user. An application may
 * have kinds of its own; see `errorCatalog`.
 */
export type ErrorCategory = BuiltInCategory | (string & Record<never, never>);

/** What is known of all errors of a category. */
export interface CategoryDefinition {
  /** The HTTP status of a response that tells of such an error. */
  readonly status: number;
  /** What it is about, for a reader who knows nothing of the service. */
  readonly title: string;
  /** Whether another try may help. */
  readonly retryable: boolean;
}

const of = (status: number, title: string, retryable: boolean): CategoryDefinition =>
  Object.freeze({ status, title, retryable });

/** The categories of the library. */
export const builtInCategories: Readonly<Record<BuiltInCategory, CategoryDefinition>> = Object.freeze({
  validation: of(400, 'The request is not valid', false),
  authentication: of(401, 'The credentials are missing or not accepted', false),
  rate_limit: of(429, 'Too many requests', true),
  circuit_breaker: of(503, 'The service is being left alone after failures', true),
  timeout: of(504, 'The answer took too long', true),
  bulkhead: of(503, 'The service is busy', true),
  external_service: of(502, 'Another service failed', true),
  database: of(503, 'The database failed', true),
  cache: of(503, 'The cache failed', true),
  network: of(502, 'The network failed', true),
  parsing: of(502, 'What came could not be read', false),
  configuration: of(500, 'The service is not set up correctly', false),
  internal: of(500, 'Internal error', false),
});
