/**
 * Who reads everything anew at `ready` and `resync`, and what changed at `change`, ends with what the service has, whatever
 * happens on the way: breaks, a log too short to resume from, a service that begins anew, requests that fail.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../../core/src/testing/test-support/property-runs.ts';
import type { Device } from '../index.ts';
import { clientUnderTest } from '../test-support/clients.ts';
import { problem } from '../test-support/memory-service.ts';
import { readingOfStation as reading } from '../test-support/readings.ts';

type Step =
  | { readonly kind: 'change'; readonly device: number; readonly value: number }
  | { readonly kind: 'break' | 'restart' | 'fail' }
  | { readonly kind: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('change' as const), device: fc.nat(3), value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ kind: 'break' }, { kind: 'restart' }, { kind: 'fail' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(2_000) }) },
);

it('a mirror that follows a watch ends with what the service has', async () => {
  const run = async (steps: readonly Step[], logLength: number): Promise<void> => {
    const { client, service, clock } = clientUnderTest();
    service.logLength = logLength;
    let failures = 0;
    service.interfere = ({ path }) =>
      path === '/v1/stream' && failures-- > 0 ? problem(503, 'STORE_UNAVAILABLE', 'away') : undefined;
    const mirror = new Map<string, unknown>();
    const read = async (ids?: readonly string[]): Promise<void> => {
      const known = ids ?? (await client.listDevices().page()).devices.map(({ id }) => id);
      const found = await client.getDevices(known);
      if (ids === undefined) mirror.clear();
      for (const id of known) mirror.delete(id);
      for (const [id, { readings }] of found) mirror.set(id, readings[0]?.values[0]);
    };
    const following = (async () => {
      for await (const event of client.watch()) await read(event.type === 'change' ? [event.deviceId] : undefined);
    })();
    for (const next of steps) {
      if (next.kind === 'change') service.ingest(reading({ device: `d${next.device}`, values: [next.value] }));
      else if (next.kind === 'break') service.breakStreams();
      else if (next.kind === 'restart') service.restart();
      else if (next.kind === 'fail') failures = 2;
      else if (next.kind === 'wait') await clock.advance(next.ms);
    }
    await clock.advance(120_000);
    const { devices } = await client.listDevices().page();
    const wanted = await client.getDevices(devices.map(({ id }) => id));
    const valueOf = ([id, { readings }]: [string, Device]): [string, unknown] => [id, readings[0]?.values[0]];
    expect(mirror).toEqual(new Map([...wanted].map(valueOf)));
    await client.close();
    await following;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 8 }), run),
    propertyRuns(100),
  );
});
