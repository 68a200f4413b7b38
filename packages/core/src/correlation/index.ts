/** The id that all logs of one request share, from its headers through all that it begins to the requests that it sends. */
export {
  currentCorrelation,
  keepAllContexts,
  logContext,
  setLogContext,
  withCorrelation,
  withLogContext,
  type Correlation,
} from './correlation.ts';
export {
  correlatedFetch,
  correlationHeaders,
  REQUEST_ID_HEADER,
  withRequestCorrelation,
  type RequestCorrelationOptions,
} from './request-correlation.ts';
export type { HeaderSource } from '../headers/header-source.ts';
