import type { FetchPipeline } from '../http/resilient-fetch.ts';
import { InterceptedCall } from './intercepted-call.ts';
import { type ResilientInterceptorOptions, resolveInterceptorOptions } from './options.ts';
import type { UndiciHandler, UndiciRequest, UndiciSend } from './undici-port.ts';

/** The `dispatch` of any dispatcher of undici; its own types are kept. */
export type UndiciDispatch = (request: never, handler: never) => boolean;

/**
 * Makes an interceptor for undici 7 and later: `new Agent().compose(resilientInterceptor(api))`. Every request of that
 * dispatcher runs under the policies of the pipeline until the end of its body, whoever sends it: `request`, `fetch`,
 * `stream`.
 *
 * A failure status becomes an error (`HTTP_503`), as with `resilientFetch`; other statuses are answers. After the headers
 * have been handed on nothing is retried. A body that is a stream is sent once.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function resilientInterceptor(
  pipeline: FetchPipeline,
  options?: ResilientInterceptorOptions,
): <Dispatch extends UndiciDispatch>(dispatch: Dispatch) => Dispatch {
  const resolved = resolveInterceptorOptions(options);
  return <Dispatch extends UndiciDispatch>(dispatch: Dispatch): Dispatch => {
    const send = dispatch as unknown as UndiciSend;
    const intercepted: UndiciSend = (request: UndiciRequest, handler: UndiciHandler) => {
      new InterceptedCall(pipeline, send, request, handler, resolved).start();
      return true;
    };
    return intercepted as unknown as Dispatch;
  };
}
