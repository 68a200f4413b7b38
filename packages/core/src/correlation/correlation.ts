/**
 * Which request the work under way belongs to, carried along by AsyncLocalStorage: what is logged anywhere below carries
 * its id, however many requests are served at once. Loading this room costs nothing; from the first use on the platform
 * follows its promises, which older versions of Node do at a price, and calls of pipelines remember where they began.
 */
import { callContexts, type ContextCapture, type InContext } from '../pipeline/call-context.ts';
import { type LocalStorage, localStorageClass } from './local-storage.ts';

/** What is known of the request that work belongs to. */
export interface Correlation {
  /** By which its log lines are found: 1 to 128 visible ASCII characters. */
  readonly correlationId: string;
  /** The trace that it is part of: 32 hex digits; where there is one. */
  readonly traceId?: string | undefined;
  /** The span of this process in that trace: 16 hex digits. */
  readonly spanId?: string | undefined;
  /** Whether the trace is recorded. */
  readonly sampled?: boolean | undefined;
  /** What vendors of tracing hand on with it. */
  readonly traceState?: string | undefined;
}

/** What all that is logged in a scope carries. The setter changes it in place, for all that runs in the scope. */
interface Scope {
  correlation: Correlation | undefined;
  fields: Readonly<Record<string, unknown>>;
}

let storage: LocalStorage<Scope | undefined> | undefined;

/** What is in use, made when it is first needed. From then on calls remember the scope that they began in. */
function storageInUse(): LocalStorage<Scope | undefined> {
  if (storage !== undefined) return storage;
  const made = new (localStorageClass<Scope | undefined>())();
  callContexts.capture ??= rememberingScopes(made);
  return (storage = made);
}

/** A call remembers the scope that it begins in, or that it begins in none: it has no part in anybody else's. */
function rememberingScopes(scopes: LocalStorage<Scope | undefined>): ContextCapture {
  const outside: InContext = (run) => scopes.run(undefined, run);
  return () => {
    const scope = scopes.getStore();
    return scope === undefined ? outside : (run) => scopes.run(scope, run);
  };
}

/**
 * Whether calls of pipelines remember all that the platform's AsyncLocalStorage keeps, such as a tracer's active span,
 * and not only what this room keeps. That is a snapshot for each call, which takes some microseconds; default false.
 *
 * @throws ConfigurationError where the platform has no AsyncLocalStorage.
 */
export function keepAllContexts(enabled: boolean): void {
  const snapshots = localStorageClass<Scope>();
  if (enabled) callContexts.capture = () => snapshots.snapshot();
  else callContexts.capture = storage === undefined ? undefined : rememberingScopes(storage);
}

const inScope = <T>(scope: Scope, fn: () => T): T => storageInUse().run(scope, fn);

const current = (): Scope | undefined => storage?.getStore();

/**
 * Runs `fn`, and all that it begins, under this correlation: an id within the trace that is under way, or one with a
 * trace of its own. An id that no log line could hold safely is replaced by a new one.
 *
 * @param of Undefined for a new id.
 * @throws ConfigurationError where the platform has no AsyncLocalStorage.
 */
export function withCorrelation<T>(of: string | Correlation | undefined, fn: () => T): T {
  const around = current();
  const correlation = typeof of === 'object' ? of : { ...around?.correlation, correlationId: of };
  const correlationId = acceptedId(correlation.correlationId) ?? newId();
  return inScope({ correlation: { ...correlation, correlationId }, fields: around?.fields ?? {} }, fn);
}

/**
 * Runs `fn`, and all that it begins, so that what is logged there carries `fields`, those around it included.
 *
 * @throws ConfigurationError where the platform has no AsyncLocalStorage.
 */
export function withLogContext<T>(fields: Readonly<Record<string, unknown>>, fn: () => T): T {
  const around = current();
  return inScope({ correlation: around?.correlation, fields: { ...around?.fields, ...fields } }, fn);
}

/**
 * Adds fields to what is logged in the scope under way, from now on: who the user is, once that is known. The scope is
 * that of the innermost {@link withCorrelation} or {@link withLogContext}; what is outside of it does not change.
 *
 * @returns False where there is no scope; nothing has changed then.
 */
export function setLogContext(fields: Readonly<Record<string, unknown>>): boolean {
  const scope = current();
  if (scope === undefined) return false;
  scope.fields = { ...scope.fields, ...fields };
  return true;
}

/** What the work under way belongs to; undefined where nobody has said that. */
export function currentCorrelation(): Correlation | undefined {
  return current()?.correlation;
}

/** The fields of the work under way, for the option `context` of a logger: ids and all that was set. */
export function logContext(): Readonly<Record<string, unknown>> | undefined {
  const scope = current();
  if (scope === undefined) return undefined;
  const { correlationId: correlation_id, traceId: trace_id, spanId: span_id } = scope.correlation ?? {};
  return {
    ...scope.fields,
    ...(correlation_id !== undefined && { correlation_id }),
    ...(trace_id !== undefined && { trace_id }),
    ...(span_id !== undefined && { span_id }),
  };
}

/** The id as it may stand in a log and a header; undefined when it may not. */
export function acceptedId(id: string | undefined): string | undefined {
  return id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) ? id : undefined;
}

const newId = (): string => crypto.randomUUID();
