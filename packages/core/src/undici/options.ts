import { FAILURE_STATUSES } from '../http/options.ts';
import { resolveOptions, type Resolved } from '../options/resolve.ts';
import { callable, flag, integer, type Rules } from '../options/rules.ts';
import type { CallOptions } from '../policy/context.ts';
import type { UndiciRequest } from './undici-port.ts';

/** Options of {@link resilientInterceptor}. */
export interface ResilientInterceptorOptions {
  /** Which statuses are failures; default those of `resilientFetch`. */
  readonly isFailure?: ((status: number) => boolean) | undefined;
  /** Whether a request that might have its effect twice may be sent again; default false. */
  readonly retryNonIdempotent?: boolean | undefined;
  /** How much of the body of a failure its error keeps as text, in bytes; default 4,096. */
  readonly maxErrorBodyBytes?: number | undefined;
  /** What the pipeline is told of a call: key, priority, cost, deadline. */
  readonly callOptions?: ((request: UndiciRequest) => CallOptions) | undefined;
}

/** What {@link resilientInterceptor} does when nothing else is said. */
export const RESILIENT_INTERCEPTOR_DEFAULTS: Readonly<
  Required<Pick<ResilientInterceptorOptions, 'isFailure' | 'retryNonIdempotent' | 'maxErrorBodyBytes'>>
> = Object.freeze({
  isFailure: (status: number) => FAILURE_STATUSES.includes(status),
  retryNonIdempotent: false,
  maxErrorBodyBytes: 4_096,
});

const rules: Rules<ResilientInterceptorOptions> = {
  isFailure: callable(),
  retryNonIdempotent: flag(),
  maxErrorBodyBytes: integer(0),
  callOptions: callable(),
};

/** Options of {@link resilientInterceptor}, complete. */
export type ResolvedInterceptorOptions = Resolved<ResilientInterceptorOptions, typeof RESILIENT_INTERCEPTOR_DEFAULTS>;

/** @throws ConfigurationError with all faults at once. */
export function resolveInterceptorOptions(given: ResilientInterceptorOptions | undefined): ResolvedInterceptorOptions {
  return resolveOptions('resilientInterceptor', given, RESILIENT_INTERCEPTOR_DEFAULTS, rules);
}
