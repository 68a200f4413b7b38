import { describe, expect, it } from 'vitest';
import { EventChannel } from '../../events/channel.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { AroundPolicy } from '../../policy/policy.ts';
import { testTracer } from './test-support/test-tracer.ts';
import type { TracerPort } from './tracer.ts';
import { tracing } from './tracing.ts';

const envelope = { pipeline: undefined, policy: undefined, key: undefined, timestamp: 10_000 as never };

describe('the span of what a source tells', () => {
  const spanOf = (event: object, name?: string) => {
    const { ports, spans } = testTracer();
    const source = Object.assign(new EventChannel(), name === undefined ? {} : { name });
    tracing(ports).watch(source);
    source.emit({ ...envelope, type: 'slow-operation', ...event });
    return spans[0]!;
  };

  it('has the name of the policy before that of the source, and of an operation where neither has one', () => {
    const named = { policy: 'gate', operation: 'load' };
    expect(spanOf(named, 'api').name).toBe('gate slow operation');
    expect(spanOf({ operation: 'load' }, 'api').name).toBe('api slow operation');
    expect(spanOf({ operation: 'load' }).name).toBe('load slow operation');
  });

  it('is called by what it is about where nothing has a name', () => {
    const span = spanOf({});
    expect([span.name, span.attributes['source.name']]).toEqual(['slow operation', undefined]);
  });

  it('took no time where the event tells none', () => {
    const span = spanOf({});
    expect([span.startTime, span.endTime]).toEqual([10_000, 10_000]);
  });

  it('is failed by an error that the event tells', () => {
    const span = spanOf({ type: 'cache-load-failed', error: new RangeError('no') }, 'users');
    expect(span.attributes['error.type']).toBe('RangeError');
  });
});

describe('an attempt after the first', () => {
  it('is linked to the one before it as another where no policy of the library has said why it begins', async () => {
    const { ports, spans } = testTracer();
    const links: unknown[] = [];
    const tracer: TracerPort = {
      startSpan: (name, start, context) => {
        links.push(start?.links);
        return ports.tracer.startSpan(name, start, context);
      },
    };
    const twice: AroundPolicy = { kind: 'twice', around: async (_context, next) => [await next(), await next()] };
    await pipeline(tracing({ ...ports, tracer }), twice).execute(() => 1);
    const first = spans.find(({ name }) => name === 'call attempt')!.spanContext();
    expect(links).toEqual([undefined, undefined, [{ context: first, attributes: { 'link.cause': 'again' } }]]);
  });
});

it('a span that ends badly is told to nobody where nobody listens, and hurts nobody', () => {
  const { ports } = testTracer({ throwsIn: 'startSpan' });
  expect(tracing(ports).span('a', () => 7)).toBe(7);
});
