import type { EventEnvelope } from '../../events/event.ts';
import type { ExecutionContext } from '../../policy/context.ts';
import type { Outcome } from '../../policy/outcome.ts';
import { type CallNames, type Spans, tieToRun } from './spans.ts';
import type { LinkPort, SpanAttributes, SpanContextPort, SpanPort } from './tracer.ts';

/** Words that policies tell of themselves; other texts in events are the user's. */
const WORDS: readonly string[] = ['code', 'cause', 'mode', 'chaos'];

/** The spans of one call: its own, and one for each run of the function. */
export class CallTrace {
  private readonly spans: Spans;
  private readonly names: CallNames;
  private readonly span: SpanPort;
  private readonly context: unknown;
  /** Most calls have one run at a time: it needs no table. */
  private run: ExecutionContext | undefined = undefined;
  private runSpan: SpanPort | undefined = undefined;
  /** The runs beside that one that have not ended. */
  private others: Map<ExecutionContext, SpanPort> | undefined = undefined;
  private first: SpanContextPort | undefined = undefined;
  private last: SpanContextPort | undefined = undefined;
  /** Why the next run begins, where a policy has said so. */
  private cause: string | undefined = undefined;

  constructor(spans: Spans, pipeline: string | undefined, key: string | undefined, parent: unknown) {
    this.spans = spans;
    this.names = spans.namesOf(pipeline);
    this.span = spans.begin(this.names.call, { attributes: this.attributes('operation.key', key) }, parent);
    this.context = spans.within(this.span, parent);
  }

  end(outcome: Outcome, attempts: number): void {
    this.span.setAttribute('attempt.count', attempts);
    if (!outcome.ok) this.spans.fail(this.span, outcome.error);
    this.span.end();
  }

  /** Begins the span of a run; gives the surroundings for it. */
  beginRun(run: ExecutionContext): unknown {
    const { spans, names, context } = this;
    const attributes = this.attributes('attempt.number', run.attempt);
    const span = spans.begin(
      names.attempt,
      this.last === undefined ? { attributes } : { attributes, links: this.links() },
      context,
    );
    if (this.run === undefined) {
      this.run = run;
      this.runSpan = span;
    } else (this.others ??= new Map()).set(run, span);
    tieToRun(run, span);
    this.last = span.spanContext();
    this.first ??= this.last;
    return spans.within(span, context);
  }

  private attributes(name: string, value: string | number | undefined): SpanAttributes {
    const { pipeline } = this.names;
    const attributes: SpanAttributes = pipeline === undefined ? {} : { 'pipeline.name': pipeline };
    if (value !== undefined) attributes[name] = value;
    return attributes;
  }

  /** A hedge belongs to the attempt that it was begun beside, a retry to the one that failed before it. */
  private links(): LinkPort[] {
    const cause = this.cause ?? 'again';
    this.cause = undefined;
    const context = cause === 'hedge' ? this.first : this.last;
    return context === undefined ? [] : [{ context, attributes: { 'link.cause': cause } }];
  }

  endRun(run: ExecutionContext, outcome: Outcome): void {
    const span = this.takeSpan(run);
    if (span === undefined) return;
    if (!outcome.ok) this.spans.fail(span, outcome.error);
    span.end();
  }

  private takeSpan(run: ExecutionContext): SpanPort | undefined {
    if (run === this.run) {
      this.run = undefined;
      return this.runSpan;
    }
    const span = this.others?.get(run);
    this.others?.delete(run);
    return span;
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
