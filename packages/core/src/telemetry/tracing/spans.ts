import type { Redactor } from '../../errors/redactor.ts';
import type { ExecutionContext } from '../../policy/context.ts';
import { errorType } from '../error-type.ts';
import {
  type SpanAttributes,
  type SpanContextPort,
  type SpanPort,
  type SpanStart,
  STATUS_ERROR,
  type TracerPort,
  type TracingApi,
} from './tracer.ts';

/** Under what a run carries its span. On the run itself: to keep it in a table beside costs a tenth of a microsecond. */
const SPAN: unique symbol = Symbol('span');

/** Ties a span to its run, for all tracings: a pipeline may be called in a run of another one. */
export function tieToRun(run: ExecutionContext, span: SpanPort): void {
  (run as { [SPAN]?: SpanPort })[SPAN] = span;
}

/** The span of a run; undefined where it is not traced. */
export function spanOfRun(run: ExecutionContext): SpanPort | undefined {
  return (run as { readonly [SPAN]?: SpanPort })[SPAN];
}

/** How the spans of a pipeline's calls are called. */
export interface CallNames {
  /** The name of the pipeline, fit to leave; undefined where it has none. */
  readonly pipeline: string | undefined;
  readonly call: string;
  readonly attempt: string;
}

/** How many names are remembered. */
const MOST_NAMES = 1_000;

/** How spans are made. */
export interface SpanSettings {
  readonly tracer: TracerPort;
  readonly api: TracingApi;
  readonly redact: Redactor;
  readonly errorMessages: boolean;
}

/** What an error says; nothing where it is none, or says it in no text. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? (error.message as unknown) : error;
  return typeof message === 'string' ? message : '';
}

/** Begins and ends spans. What leaves is redacted; the texts of errors leave only where that was asked for. */
export class Spans {
  private readonly settings: SpanSettings;
  /** By pipeline: their names come again with every call, and redaction is dear. */
  private readonly names: Map<string | undefined, CallNames> = new Map();

  constructor(settings: SpanSettings) {
    this.settings = settings;
  }

  get active(): unknown {
    return this.settings.api.context.active();
  }

  /** Begins a span; `name` must be fit to leave. */
  begin(name: string, start: SpanStart, parent: unknown): SpanPort {
    return this.settings.tracer.startSpan(name, start, parent);
  }

  /** How the spans of the calls of `pipeline` are called. */
  namesOf(pipeline: string | undefined): CallNames {
    const known = this.names.get(pipeline);
    if (known !== undefined) return known;
    const clean = pipeline === undefined ? undefined : this.clean(pipeline);
    const call = clean ?? 'call';
    const names: CallNames = { pipeline: clean, call, attempt: `${call} attempt` };
    if (this.names.size < MOST_NAMES) this.names.set(pipeline, names);
    return names;
  }

  /** The surroundings of what happens within `span`. */
  within(span: SpanPort, context: unknown): unknown {
    return this.settings.api.trace.setSpan(context as never, span as never);
  }

  /** Calls `fn` in these surroundings, and without them where they can't be had, which `onError` is told. */
  run<R>(context: unknown, fn: () => R, onError: (error: unknown) => void): R {
    let began = false;
    try {
      return this.settings.api.context.with(context as never, () => {
        began = true;
        return fn();
      });
    } catch (error) {
      // What it has thrown itself is its own affair.
      if (began) throw error;
      onError(error);
      return fn();
    }
  }

  /** The span in whose surroundings this is asked. */
  get activeSpan(): SpanPort | undefined {
    return this.settings.api.trace.getSpan(this.active as never);
  }

  /** The surroundings with a span of another process as parent. */
  withRemote(spanContext: SpanContextPort): unknown {
    return this.settings.api.trace.setSpanContext(this.active as never, spanContext as never);
  }

  parseState(text: string | undefined): { serialize(): string } | undefined {
    return text === undefined ? undefined : this.settings.api.createTraceState?.(text);
  }

  fail(span: SpanPort, error: unknown): void {
    const type = errorType(error);
    span.setAttribute('error.type', type);
    if (!this.settings.errorMessages) {
      span.setStatus({ code: STATUS_ERROR });
      return;
    }
    const message = this.clean(messageOf(error));
    span.setStatus({ code: STATUS_ERROR, message });
    span.addEvent('exception', { 'exception.type': type, 'exception.message': message });
  }

  clean(text: string): string {
    return this.settings.redact.text(text);
  }

  /** The same attributes, fit to leave. */
  cleaned(attributes: SpanAttributes): SpanAttributes {
    const plain = this.settings.redact.value(attributes) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(plain).map(([name, value]) => [
        name,
        typeof value === 'number' || typeof value === 'boolean' ? value : String(value),
      ]),
    );
  }
}
