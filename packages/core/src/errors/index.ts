export type { ErrorCategory } from './category.ts';
export { BreakwaterError, isBreakwaterError, type BreakwaterErrorOptions, type ErrorJson } from './breakwater-error.ts';
export { ConfigurationError, type ConfigurationFault } from './configuration-error.ts';
export { captureRejectionStacks } from './rejection.ts';
export { warnDeprecated, type Deprecation } from './deprecation.ts';
