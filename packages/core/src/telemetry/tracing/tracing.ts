/**
 * Traces of calls: one span for each call of a pipeline, one in it for each run of the function, linked to the run that it
 * follows or was begun beside. The function runs in the surroundings of its span, so that whatever traces itself (clients of
 * HTTP and of databases) is part of it.
 *
 * It is a policy: `pipeline(tracing({ tracer, api }), timeout(…), retry(…))`. What stands outside of it is not in the trace.
 */
import { systemClock } from '../../clock/system-clock.ts';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { defaultRedactor } from '../../errors/redactor.ts';
import type { EventChannel } from '../../events/channel.ts';
import type { EventEnvelope, HookFailedEvent } from '../../events/event.ts';
import { OwnerChannel } from '../../events/owner-channel.ts';
import { type HeaderSource, headerValue } from '../../headers/header-source.ts';
import { formatTraceparent, parseTraceparent } from '../../headers/traceparent.ts';
import { describe, resolveOptions, type Resolved } from '../../options/resolve.ts';
import type { CallWatcher } from '../../policy/call-watcher.ts';
import type { ExecutionContext } from '../../policy/context.ts';
import type { Failure, Outcome } from '../../policy/outcome.ts';
import type { Call, HookPolicy } from '../../policy/policy.ts';
import { CallTrace } from './call-trace.ts';
import { tracingDefaults, type TracingOptions, tracingRules } from './options.ts';
import { spanOfRun, Spans } from './spans.ts';
import { type TracedSource, traceSource } from './traced-source.ts';
import type { SpanAttributes, SpanPort } from './tracer.ts';

/** The headers that carry a trace to another process (W3C Trace Context). */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** The events of a tracing: what its tracer did outside of any call. In a call, that call tells. */
export interface TracingEvents {
  'hook-failed': HookFailedEvent;
}

/** Traces calls; see {@link tracing}. */
export interface Tracing extends HookPolicy<TracingEvents, never> {
  readonly kind: 'tracing';
  readonly name: string;
  readonly events: EventChannel<TracingEvents>;
  /**
   * The headers that tell another process which span it is called in: that of this run of the function, or, without one,
   * the active one. Empty where there is none.
   */
  headers(run?: ExecutionContext): TraceHeaders;
  /** Calls `fn` as part of the trace that a request came with; just calls it where the request came with none. */
  continueFrom<R>(headers: HeaderSource, fn: () => R): R;
  /** Calls `fn` in a span of your own; its result, promise or error passes unchanged. */
  span<R>(name: string, fn: () => R, attributes?: SpanAttributes): R;
  /** Makes spans of what caches, pools, limiters and workers tell: loads, waits, tasks; and of batches. Returns what ends that. */
  watch(...sources: readonly TracedSource[]): () => void;
}

/**
 * Traces the calls of the pipelines that it is put into, the outermost policy as a rule.
 *
 * @throws ConfigurationError
 */
export function tracing(options: TracingOptions): Tracing {
  return new TracingPolicy(options);
}

class TracingPolicy implements Tracing {
  readonly kind = 'tracing';
  readonly waits = false;
  readonly name: string;
  readonly options: Resolved<TracingOptions, typeof tracingDefaults>;
  readonly watcher: CallWatcher;
  readonly events: OwnerChannel<TracingEvents>;
  private readonly spans: Spans;
  private readonly failed: (error: unknown) => void;

  constructor(given: TracingOptions) {
    const options = resolveOptions('tracing', given, tracingDefaults, tracingRules, ['tracer', 'api']);
    const { tracer, api, redact = defaultRedactor, errorMessages } = options;
    this.options = options;
    this.name = options.name;
    this.events = new OwnerChannel(this.name, () => systemClock);
    this.spans = new Spans({ tracer, api, redact, errorMessages });
    this.watcher = new TraceWatcher(this.spans);
    this.failed = (error) => this.events.tell('hook-failed', { hook: 'tracer', error, outcome: 'failure' });
  }

  // --- the way of a call ---

  enter(call: Call, at: number): undefined {
    const state = new TracedCall(call, this.name);
    call.keep(at, state);
    state.attempt(() => {
      state.trace = new CallTrace(this.spans, call.pipeline, this.keyOf(call), this.parentOf(call));
    });
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    this.end(call, at, outcome);
    return outcome;
  }

  cancel(call: Call, at: number, outcome: Failure): void {
    this.end(call, at, outcome);
  }

  private end(call: Call, at: number, outcome: Outcome): void {
    const state = call.kept(at) as TracedCall | undefined;
    state?.attempt(() => state.trace?.end(outcome, call.attempts));
    call.keep(at, undefined);
  }

  private keyOf(call: Call): string | undefined {
    return this.options.keys && call.key !== undefined ? this.spans.clean(call.key) : undefined;
  }

  /** A call that is part of a run belongs to its span, however the surroundings were lost on the way. */
  private parentOf(call: Call): unknown {
    const parent = call.options?.parent;
    const span = parent === undefined ? undefined : spanOfRun(parent);
    const { active } = this.spans;
    return span === undefined ? active : this.spans.within(span, active);
  }

  // --- beside it ---

  headers(run?: ExecutionContext): TraceHeaders {
    const span = (run === undefined ? undefined : spanOfRun(run)) ?? this.spans.activeSpan;
    if (span === undefined) return {};
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const traceparent = formatTraceparent({ traceId, parentId: spanId, sampled: traceFlags % 2 === 1 });
    if (parseTraceparent(traceparent) === undefined) return {};
    const tracestate = traceState?.serialize();
    return tracestate === undefined || tracestate === '' ? { traceparent } : { traceparent, tracestate };
  }

  continueFrom<R>(headers: HeaderSource, fn: () => R): R {
    if (typeof fn !== 'function') {
      throw new ConfigurationError([{ path: 'tracing.continueFrom', expected: 'a function', received: describe(fn) }]);
    }
    const from = parseTraceparent(headerValue(headers, 'traceparent'));
    if (from === undefined) return fn();
    const traceState = this.spans.parseState(headerValue(headers, 'tracestate'));
    const { traceId, parentId: spanId, sampled } = from;
    const remote = { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true };
    const whole = traceState === undefined ? remote : { ...remote, traceState };
    const surroundings = this.attempt(() => this.spans.withRemote(whole));
    return surroundings === undefined ? fn() : this.spans.run(surroundings, fn, this.failed);
  }

  span<R>(name: string, fn: () => R, attributes: SpanAttributes = {}): R {
    const begun = this.attempt(() => {
      const { active } = this.spans;
      const span = this.spans.begin(this.spans.clean(name), { attributes: this.spans.cleaned(attributes) }, active);
      return { span, surroundings: this.spans.within(span, active) };
    });
    if (begun === undefined) return fn();
    return this.spans.run(begun.surroundings, () => this.endWith(begun.span, fn), this.failed);
  }

  private endWith<R>(span: SpanPort, fn: () => R): R {
    const end = (): void => this.attempt(() => span.end());
    const fail = (error: unknown): void => {
      this.attempt(() => this.spans.fail(span, error));
      end();
    };
    let result: R;
    try {
      result = fn();
    } catch (error) {
      fail(error);
      throw error;
    }
    // The caller has the promise itself, and its rejection; this branch only looks.
    if (isThenable(result)) result.then(end, fail);
    else end();
    return result;
  }

  /** Does something with the tracer outside of calls; what that throws is told. */
  private attempt<R>(action: () => R): R | undefined {
    try {
      return action();
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  watch(...sources: readonly TracedSource[]): () => void {
    const stops = sources.map((source) => traceSource(source, this.spans, this.failed));
    return () => {
      for (const stop of stops) stop();
    };
  }
}

/** What is kept of a call: its trace, unless the tracer has thrown. */
class TracedCall {
  trace: CallTrace | undefined = undefined;
  private readonly call: Call;
  private readonly policy: string;

  constructor(call: Call, policy: string) {
    this.call = call;
    this.policy = policy;
  }

  /** Does something with the tracer; what that throws is told, and the call goes on. */
  attempt<R>(action: () => R): R | undefined {
    try {
      return action();
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  failed(error: unknown): void {
    this.call.hookFailed(this.policy, 'tracer', error);
  }
}

class TraceWatcher implements CallWatcher {
  private readonly spans: Spans;

  constructor(spans: Spans) {
    this.spans = spans;
  }

  run(kept: unknown, context: ExecutionContext, run: () => unknown): unknown {
    const call = kept as TracedCall;
    const surroundings = call.attempt(() => call.trace?.beginRun(context));
    if (surroundings === undefined) return run();
    return this.spans.run(surroundings, run, (error) => call.failed(error));
  }

  runEnded(kept: unknown, context: ExecutionContext, outcome: Outcome): void {
    const call = kept as TracedCall;
    call.attempt(() => call.trace?.endRun(context, outcome));
  }

  told(kept: unknown, event: EventEnvelope): void {
    // That the tracer threw is told as an event as well, which must not be put to it again.
    if (event.type === 'hook-failed') return;
    const call = kept as TracedCall;
    call.attempt(() => call.trace?.told(event));
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  );
}
