export { resilientInterceptor, type UndiciDispatch } from './resilient-interceptor.ts';
export { RESILIENT_INTERCEPTOR_DEFAULTS, type ResilientInterceptorOptions } from './options.ts';
export type { UndiciRequest } from './undici-port.ts';
