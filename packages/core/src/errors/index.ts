export { builtInCategories, type BuiltInCategory, type CategoryDefinition, type ErrorCategory } from './category.ts';
export { BreakwaterError, isBreakwaterError, type BreakwaterErrorOptions } from './breakwater-error.ts';
export type { ErrorJson } from './error-json.ts';
export { ConfigurationError, type ConfigurationFault } from './configuration-error.ts';
export { captureRejectionStacks } from './rejection.ts';
export { warnDeprecated, type Deprecation } from './deprecation.ts';
export { classify, type Classification } from './classify.ts';
export {
  errorCatalog,
  type ErrorCatalog,
  type ErrorCatalogOptions,
  type ErrorDefinition,
  type ErrorOccurrence,
  type ErrorPresentation,
} from './catalog.ts';
export {
  errorHeaders,
  errorJson,
  errorLogEntry,
  problemDetails,
  type ErrorLogEntry,
  type ErrorOutputOptions,
  type ProblemDetails,
} from './error-output.ts';
export { redactor, type RedactionOptions, type Redactor } from './redactor.ts';
export { redactText } from './redact-text.ts';
