import type { EventEnvelope } from '../../events/event.ts';
import type { ExecutionContext } from '../../policy/context.ts';
import type { Outcome } from '../../policy/outcome.ts';
import type { Spans } from './spans.ts';
import { spanOfRun } from './spans.ts';
import type { LinkPort, SpanAttributes, SpanContextPort, SpanPort } from './tracer.ts';

/** Words that policies tell of themselves; other texts in events are the user's. */
const WORDS: readonly string[] = ['code', 'cause', 'mode', 'chaos'];

/** The spans of one call: its own, and one for each run of the function. */
export class CallTrace {
  private readonly spans: Spans;
  private readonly name: string;
  private readonly span: SpanPort;
  private readonly context: unknown;
  /** The spans of runs that have not ended. */
  private readonly runs: Map<ExecutionContext, SpanPort> = new Map();
  private first: SpanContextPort | undefined = undefined;
  private last: SpanContextPort | undefined = undefined;
  /** Why the next run begins, where a policy has said so. */
  private cause: string | undefined = undefined;

  constructor(spans: Spans, name: string, attributes: SpanAttributes, parent: unknown) {
    this.spans = spans;
    this.name = name;
    this.span = spans.begin(name, { attributes }, parent);
    this.context = spans.within(this.span, parent);
  }

  end(outcome: Outcome, attempts: number): void {
    this.span.setAttribute('attempt.count', attempts);
    if (!outcome.ok) this.spans.fail(this.span, outcome.error);
    this.span.end();
  }

  /** Begins the span of a run; gives the surroundings for it. */
  beginRun(run: ExecutionContext): unknown {
    const attributes: SpanAttributes = { 'attempt.number': run.attempt };
    if (run.pipeline !== undefined) attributes['pipeline.name'] = this.spans.cleanName(run.pipeline);
    const span = this.spans.begin(`${this.name} attempt`, { attributes, links: this.links() }, this.context);
    this.runs.set(run, span);
    spanOfRun.set(run, span);
    this.last = span.spanContext();
    this.first ??= this.last;
    return this.spans.within(span, this.context);
  }

  /** A hedge belongs to the attempt that it was begun beside, a retry to the one that failed before it. */
  private links(): LinkPort[] {
    const cause = this.cause ?? 'again';
    this.cause = undefined;
    const context = cause === 'hedge' ? this.first : this.last;
    return context === undefined ? [] : [{ context, attributes: { 'link.cause': cause } }];
  }

  endRun(run: ExecutionContext, outcome: Outcome): void {
    const span = this.runs.get(run);
    if (span === undefined) return;
    this.runs.delete(run);
    if (!outcome.ok) this.spans.fail(span, outcome.error);
    span.end();
  }

  told(event: EventEnvelope): void {
    if (event.type === 'call-ended' || event.type === 'attempt-ended') return;
    if (event.type === 'retry' || event.type === 'hedge') this.cause = event.type;
    this.span.addEvent(event.type, this.spans.cleaned(detailsOf(event)));
  }
}

/** What an event carries that may leave: numbers, truths and words; no error, key or value. */
function detailsOf({ policy, ...event }: EventEnvelope): SpanAttributes {
  const details: SpanAttributes = policy === undefined ? {} : { 'strategy.name': policy };
  for (const [name, value] of Object.entries(event)) {
    if (name === 'timestamp' || name === 'type') continue;
    const isWord = typeof value === 'string' && (WORDS.includes(name) || name === 'outcome');
    if (isWord || typeof value === 'boolean' || Number.isFinite(value)) details[inSnakeCase(name)] = value as never;
  }
  return details;
}

const inSnakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
