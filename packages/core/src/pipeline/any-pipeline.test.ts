/** What the compiler takes for a pipeline of any policies; what fails here fails to compile. */
import { expect, expectTypeOf, it } from 'vitest';
import { circuitBreaker } from '../circuit-breaker/index.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { EventEnvelope } from '../events/event.ts';
import { fallback } from '../fallback/index.ts';
import { retry } from '../retry/index.ts';
import { type CallEndedEvent, type Pipeline, pipeline, type PipelineEvents } from './index.ts';

const specific = pipeline({ clock: new VirtualClock() }, retry(), circuitBreaker());

it('a pipeline of whatever policies is a `Pipeline`, in a variable and where a function asks for one', async () => {
  const any: Pipeline = specific;
  const load = (calls: Pipeline): Promise<number> => calls.execute(() => 1);
  expect([await load(any), await load(specific), await load(pipeline())]).toEqual([1, 1, 1]);
  expectTypeOf(any.execute(() => 'text')).toEqualTypeOf<Promise<string>>();
});

it('of a `Pipeline` the events of every pipeline are known, of others the envelope', async () => {
  const any: Pipeline = specific;
  const heard: string[] = [];
  any.on('call-ended', (event) => {
    expectTypeOf(event).toEqualTypeOf<EventEnvelope<'call-ended'> & CallEndedEvent>();
    heard.push(event.outcome);
  });
  any.on('*', (event) => {
    expectTypeOf(event).toEqualTypeOf<EventEnvelope>();
    heard.push(event.type);
  });
  await any.execute(() => 1);
  expect(heard).toEqual(['attempt-ended', 'success', 'call-ended']);
  // @ts-expect-error no pipeline tells such an event
  any.on('cal-ended', () => undefined)();
});

it('a pipeline that may add something to results is none that adds nothing, and one that may tell more is not closed', () => {
  const adding = pipeline(fallback({ value: 0 }));
  // @ts-expect-error its results may be 0
  const addsNothing: Pipeline = adding;
  // @ts-expect-error `*` hears retries, too
  const closed: Pipeline<PipelineEvents> = specific;
  expect([addsNothing, closed]).toEqual([adding, specific]);
});
