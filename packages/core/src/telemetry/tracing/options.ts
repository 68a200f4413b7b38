import type { Redactor } from '../../errors/redactor.ts';
import { flag, implementing, text, type Rules } from '../../options/rules.ts';
import type { TracerPort, TracingApi } from './tracer.ts';

/** Options of a tracing. */
export interface TracingOptions {
  /** What makes spans: `trace.getTracer('shop')` of OpenTelemetry. */
  readonly tracer: TracerPort;
  /** The module `@opentelemetry/api`: what carries the surroundings of a span from one function to the next. */
  readonly api: TracingApi;
  /** Its name in events and errors; default `tracing`. */
  readonly name?: string | undefined;
  /** Whether spans carry the key of the call; default false: it may say too much. */
  readonly keys?: boolean | undefined;
  /** Whether spans carry the messages of errors, redacted; default false: their types alone. */
  readonly errorMessages?: boolean | undefined;
  /** Takes out of names, attributes and messages what must not leave; default: what the library always takes out. */
  readonly redact?: Redactor | undefined;
}

/** The defaults of a tracing. */
export const tracingDefaults: { readonly name: string; readonly keys: boolean; readonly errorMessages: boolean } =
  Object.freeze({ name: 'tracing', keys: false, errorMessages: false });

export const tracingRules: Rules<TracingOptions> = Object.freeze({
  tracer: implementing<TracerPort>('a tracer', 'startSpan'),
  api: {
    expected: 'the module @opentelemetry/api (an object with context and trace)',
    accepts: (value: unknown): value is TracingApi => isApi(value),
  },
  name: text(),
  keys: flag(),
  errorMessages: flag(),
  redact: implementing<Redactor>('a redactor', 'text', 'value'),
});

function isApi(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { context, trace } = value as Partial<TracingApi>;
  return typeof context?.with === 'function' && typeof trace?.setSpan === 'function';
}
