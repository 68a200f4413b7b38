import { describe, expect, it } from 'vitest';
import { AccessDenied, InvalidResponse } from '../errors/errors.ts';
import type { WatchEvent } from '../index.ts';
import { type ClientUnderTest, clientUnderTest, rejection } from '../test-support/clients.ts';
import { problem } from '../test-support/memory-service.ts';
import { readingOfStation as reading } from '../test-support/readings.ts';

/** Takes the events of a watch as they come. */
function collected({ client }: ClientUnderTest, ...query: Parameters<ClientUnderTest['client']['watch']>) {
  const events: WatchEvent[] = [];
  const ended = (async () => {
    for await (const event of client.watch(...query)) events.push(event);
  })();
  ended.catch(() => undefined);
  return { events, ended };
}
const STREAM = 'GET /v1/stream';

describe('a watch', () => {
  it('goes on where it was when its connection breaks, and tells what came meanwhile', async () => {
    const test = clientUnderTest();
    const { events } = collected(test);
    await test.clock.advance(0);
    test.service.ingest(reading({ device: 'a' }));
    await test.clock.advance(0);
    test.service.breakStreams();
    test.service.ingest(reading({ device: 'b' }));
    await test.clock.advance(1_000);
    expect(test.sent(STREAM)).toBe(2);
    expect(test.service.requests.at(-1)?.headers.get('last-event-id')).toBe('1');
    expect(events.map((event) => (event.type === 'change' ? event.deviceId : event.type))).toEqual(['ready', 'a', 'b']);
    await test.client.close();
  });

  it('tells that it may have missed changes when the service does not know where it was', async () => {
    const test = clientUnderTest();
    const { events } = collected(test);
    await test.clock.advance(0);
    test.service.logLength = 1;
    test.service.breakStreams();
    for (const device of ['a', 'b', 'c']) test.service.ingest(reading({ device }));
    await test.clock.advance(1_000);
    expect(events.map(({ type }) => type)).toEqual(['ready', 'resync']);
    expect(events[1]).toMatchObject({ reason: 'log-exceeded', position: '3' });
    await test.client.close();
  });

  it('that breaks before its first event begins once more, without a gap to tell of', async () => {
    const test = clientUnderTest();
    let first = true;
    test.service.interfere = () => {
      if (!first) return undefined;
      first = false;
      return problem(503, 'STORE_UNAVAILABLE', 'away');
    };
    const { events } = collected(test);
    await test.clock.advance(1_000);
    expect(events.map(({ type }) => type)).toEqual(['ready']);
    await test.client.close();
  });

  it('that was given a position tells of a gap when the service begins anew', async () => {
    const test = clientUnderTest();
    const service = test.service;
    service.interfere = ({ url, headers }) => {
      if (headers.get('last-event-id') === null) return undefined;
      return service.fetch(url, {});
    };
    const { events } = collected(test, { since: '99' });
    await test.clock.advance(0);
    expect(events).toEqual([{ type: 'resync', position: '0', reason: 'unknown-position' }]);
    await test.client.close();
  });

  it('waits longer each time that the service is still away, thirty seconds at most, and no longer once it was back', async () => {
    const test = clientUnderTest({ random: { next: () => 1 - Number.EPSILON } });
    test.service.interfere = () => problem(503, 'STORE_UNAVAILABLE', 'away');
    collected(test);
    const after = async (ms: number): Promise<number> => {
      await test.clock.advance(ms);
      return test.sent(STREAM);
    };
    expect(await after(0)).toBe(1);
    expect(await after(250)).toBe(2);
    expect(await after(500)).toBe(3);
    expect(await after(1_000)).toBe(4);
    await after(120_000);
    const sent = test.sent(STREAM);
    expect(await after(30_000)).toBe(sent + 1);
    test.service.interfere = () => undefined;
    await after(30_000);
    expect(test.service.openStreams).toBe(1);
    test.service.breakStreams();
    await after(250);
    expect(test.service.openStreams).toBe(1);
    await test.client.close();
  });

  it('takes a stream for broken on which nothing comes for 45 s, not even a comment', async () => {
    const test = clientUnderTest();
    collected(test);
    await test.clock.advance(44_999);
    expect(test.sent(STREAM)).toBe(1);
    await test.clock.advance(1_001);
    expect(test.sent(STREAM)).toBe(2);
    expect(test.service.openStreams).toBe(1);
    await test.client.close();
  });

  it.each([
    ['a wrong token', () => problem(401, 'UNAUTHENTICATED', 'no'), AccessDenied],
    ['something else than the device cache', () => new Response('<html>'), InvalidResponse],
    ['another 404', () => new Response('', { status: 404 }), InvalidResponse],
  ])('ends at %s, which no other try mends', async (_, answer, errorClass) => {
    const test = clientUnderTest();
    test.service.interfere = answer;
    const { ended } = collected(test);
    expect(await rejection(ended)).toBeInstanceOf(errorClass);
    expect(test.sent(STREAM)).toBe(1);
  });

  it('comes back when it has been told to wait, and not before', async () => {
    const test = clientUnderTest();
    let first = true;
    test.service.interfere = () => {
      if (!first) return undefined;
      first = false;
      return problem(429, 'RATE_LIMITED', 'too many streams', { retry_after: 20 });
    };
    const { events } = collected(test);
    await test.clock.advance(19_999);
    expect(test.sent(STREAM)).toBe(1);
    await test.clock.advance(251);
    expect(events.map(({ type }) => type)).toEqual(['ready']);
    await test.client.close();
  });

  it('lets go of its connection when its reader leaves', async () => {
    const test = clientUnderTest();
    for await (const event of test.client.watch()) {
      expect(event.type).toBe('ready');
      expect(test.service.openStreams).toBe(1);
      break;
    }
    expect(test.service.openStreams).toBe(0);
  });

  it('goes on at another address after configure, and tells of the gap', async () => {
    const test = clientUnderTest();
    const other = clientUnderTest();
    const { events } = collected(test);
    await test.clock.advance(0);
    test.service.ingest(reading({ device: 'a' }));
    await test.clock.advance(0);
    test.client.configure({ url: 'http://other.example', fetch: other.service.fetch });
    await test.clock.advance(1_000);
    other.service.ingest(reading({ device: 'b' }));
    await test.clock.advance(0);
    expect(test.service.openStreams).toBe(0);
    expect(events.map((event) => (event.type === 'change' ? event.deviceId : event.type))).toEqual([
      ...['ready', 'a', 'resync', 'b'],
    ]);
    await test.client.close();
  });
});
