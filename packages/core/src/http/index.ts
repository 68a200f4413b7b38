export { resilientFetch, type FetchPipeline, type ResilientFetch } from './resilient-fetch.ts';
export { FAILURE_STATUSES, RESILIENT_FETCH_DEFAULTS, type ResilientFetchOptions } from './options.ts';
export {
  HttpStatusError,
  NetworkError,
  RequestNotRepeatableError,
  ResponseTooLargeError,
  type NetworkTrouble,
  type RequestFacts,
  type ResponseFacts,
} from './errors.ts';
export type { Fetch } from './outgoing-request.ts';
