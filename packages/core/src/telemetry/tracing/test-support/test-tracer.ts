import type {
  LinkPort,
  SpanAttributes,
  SpanContextPort,
  SpanPort,
  SpanStart,
  TracerPort,
  TracingApi,
} from '../tracer.ts';

/** A span as a test sees it. */
export interface SeenSpan extends SpanPort {
  readonly name: string;
  readonly attributes: SpanAttributes;
  readonly links: readonly LinkPort[];
  readonly startTime: number | undefined;
  readonly endTime: number | undefined;
  readonly status: { readonly code: number; readonly message?: string } | undefined;
  /** How often it was ended. */
  readonly ended: number;
}

type Surroundings = { readonly span?: SpanPort };

/** A tracer, and an API whose surroundings last as long as a synchronous call. */
export function testTracer({
  throwsIn,
  traceId = '1'.repeat(32),
}: { readonly throwsIn?: 'startSpan' | 'end' | 'with'; readonly traceId?: string } = {}): {
  readonly ports: { readonly tracer: TracerPort; readonly api: TracingApi };
  readonly spans: readonly SeenSpan[];
} {
  const spans: SeenSpan[] = [];
  let current: Surroundings = {};
  const maybeThrow = (method: string): void => {
    if (method === throwsIn) throw new Error(`${method} is broken`);
  };
  const tracer: TracerPort = {
    startSpan: (name: string, start: SpanStart = {}) => {
      maybeThrow('startSpan');
      const span = new TestSpan(name, start, {
        traceId,
        spanId: String(spans.length + 1).padStart(16, '0'),
        traceFlags: 1,
      });
      span.beforeEnd = () => maybeThrow('end');
      spans.push(span);
      return span;
    },
  };
  const api: TracingApi = {
    context: {
      active: () => current,
      with: <R>(context: never, fn: () => R): R => {
        maybeThrow('with');
        const before = current;
        current = context;
        try {
          return fn();
        } finally {
          current = before;
        }
      },
    },
    trace: {
      setSpan: (_context: never, span: never): Surroundings => ({ span }),
      getSpan: (context: never) => (context as Surroundings).span,
      setSpanContext: (_context: never, spanContext: never): Surroundings => ({
        span: new TestSpan('remote', {}, spanContext),
      }),
    },
  };
  return { ports: { tracer, api }, spans };
}

class TestSpan implements SeenSpan {
  readonly name: string;
  readonly attributes: SpanAttributes;
  readonly links: readonly LinkPort[];
  readonly startTime: number | undefined;
  endTime: number | undefined = undefined;
  status: SeenSpan['status'] = undefined;
  ended = 0;
  beforeEnd: () => void = () => undefined;
  private readonly context: SpanContextPort;

  constructor(name: string, { attributes = {}, links = [], startTime }: SpanStart, context: SpanContextPort) {
    this.name = name;
    this.attributes = { ...attributes };
    this.links = links;
    this.startTime = startTime;
    this.context = context;
  }

  spanContext(): SpanContextPort {
    return this.context;
  }

  setAttribute(name: string, value: string | number | boolean): void {
    this.attributes[name] = value;
  }

  addEvent(): void {
    // What events hold is looked at with the real SDKs.
  }

  setStatus(status: NonNullable<SeenSpan['status']>): void {
    this.status = status;
  }

  end(endTime?: number): void {
    this.beforeEnd();
    this.ended++;
    this.endTime = endTime;
  }
}
