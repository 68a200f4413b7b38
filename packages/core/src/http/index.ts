export { resilientFetch, type FetchPipeline, type ResilientFetch } from './resilient-fetch.ts';
export {
  FAILURE_STATUSES,
  RESILIENT_FETCH_DEFAULTS,
  type LimiterFeedback,
  type ResilientFetchOptions,
} from './options.ts';
export {
  HttpStatusError,
  HttpTimeoutError,
  NetworkError,
  RequestNotRepeatableError,
  ResponseTooLargeError,
  type HttpPhase,
  type RequestFacts,
  type ResponseFacts,
} from './errors.ts';
export type { Fetch } from './outgoing-request.ts';
export { redactText } from '../errors/redact-text.ts';
export type { NetworkTrouble } from '../errors/network-failure.ts';
export { endpointFetch, type FetchEndpoints } from './endpoint-fetch.ts';
export { deadlineFromRequest, type DeadlineFromRequestOptions, type RequestHeaders } from './request-deadline.ts';
