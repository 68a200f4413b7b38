import { describe, expect, it } from 'vitest';
import { DeviceNotFound } from '../errors/errors.ts';
import { type ClientUnderTest, clientUnderTest, rejection } from '../test-support/clients.ts';
import { problem } from '../test-support/memory-service.ts';
import { readingOfStation as reading } from '../test-support/readings.ts';

const DEVICE = 'GET /v1/devices/a';

/** A client whose near cache follows the stream already, and which keeps device `a`. */
async function following(options: object = {}): Promise<ClientUnderTest> {
  const test = clientUnderTest({ nearCache: { ttlMs: 30_000, ...options } });
  test.service.ingest(reading({ device: 'a', values: [1] }));
  await rejection(test.client.getDevice('other'));
  await test.clock.advance(0);
  await test.client.getDevice('a');
  return test;
}

describe('the near cache', () => {
  it('asks the service once, and gives everybody the same device, frozen', async () => {
    const { client, sent } = await following();
    const [first, second] = await Promise.all([client.getDevice('a'), client.getDevice('a')]);
    expect(first).toBe(second);
    expect(client.peekDevice('a')).toBe(first);
    expect(() => ((first.metadata as Record<string, unknown>)['x'] = 1)).toThrow(TypeError);
    expect(sent(DEVICE)).toBe(1);
    await client.close();
  });

  it('asks again when the stream tells of a change', async () => {
    const { client, service, clock } = await following();
    service.ingest(reading({ device: 'a', values: [2] }));
    await clock.advance(0);
    expect(client.peekDevice('a')).toBeUndefined();
    expect((await client.getDevice('a')).readings[0]?.values).toEqual([2]);
    await client.close();
  });

  it('does not keep what was being loaded when its change came', async () => {
    const { client, service, clock } = await following();
    service.ingest(reading({ device: 'b', values: [1] }));
    await clock.advance(0);
    let answer: () => void = () => undefined;
    const old = await service.fetch('http://devices.example/v1/devices/b');
    service.interfere = ({ path }) =>
      path === '/v1/devices/b' ? new Promise((resolve) => (answer = () => resolve(old))) : undefined;
    const loading = client.getDevice('b');
    await clock.advance(0);
    service.interfere = () => undefined;
    service.ingest(reading({ device: 'b', values: [2] }));
    await clock.advance(0);
    answer();
    await loading;
    expect(client.peekDevice('b')).toBeUndefined();
    expect((await client.getDevice('b')).readings[0]?.values).toEqual([2]);
    await client.close();
  });

  it('keeps a device that is only ever read by peekDevice while others come and go', async () => {
    const { client, sent } = await following({ maxEntries: 10 });
    for (let n = 0; n < 100; n++) {
      expect(client.peekDevice('a')?.id).toBe('a');
      await rejection(client.getDevice(`other_${n}`));
    }
    expect(sent(DEVICE)).toBe(1);
    await client.close();
  });

  it('forgets everything at a gap in the stream', async () => {
    const { client, service, clock } = await following();
    service.logLength = 1;
    service.breakStreams();
    service.ingest(reading({ device: 'a', values: [2] }), reading({ device: 'c' }), reading({ device: 'd' }));
    await clock.advance(1_000);
    expect(client.peekDevice('a')).toBeUndefined();
    await client.close();
  });

  it('forgets what was loaded before the stream was there: it may have changed meanwhile', async () => {
    const { client, service, clock } = clientUnderTest({ nearCache: true });
    service.ingest(reading({ device: 'a' }));
    service.interfere = ({ path }) => (path === '/v1/stream' ? problem(503, 'STORE_UNAVAILABLE', 'x') : undefined);
    await client.getDevice('a');
    expect(client.peekDevice('a')).toBeDefined();
    service.interfere = () => undefined;
    await clock.advance(1_000);
    expect(client.peekDevice('a')).toBeUndefined();
    await client.close();
  });

  it('keeps a device no longer than its time when there is no stream, and health says so', async () => {
    const { client, service, clock } = await following({ ttlMs: 1_000 });
    service.interfere = ({ path }) => (path === '/v1/stream' ? problem(401, 'UNAUTHENTICATED', 'x') : undefined);
    service.breakStreams();
    await clock.advance(500);
    service.ingest(reading({ device: 'a', values: [2] }));
    expect((await client.getDevice('a')).readings[0]?.values).toEqual([1]);
    expect(await client.health()).toMatchObject({ status: 'degraded', causes: [{ component: 'near-cache' }] });
    await clock.advance(1_100);
    expect((await client.getDevice('a')).readings[0]?.values).toEqual([2]);
    // The token is good again.
    service.interfere = () => undefined;
    await clock.advance(1_000);
    expect(await client.health()).toMatchObject({ status: 'healthy' });
    expect(service.openStreams).toBe(1);
    await client.close();
  });

  it('remembers that there is no such device, until there is', async () => {
    const { client, service, clock, sent } = await following();
    expect(await rejection(client.getDevice('new'))).toBeInstanceOf(DeviceNotFound);
    expect(await rejection(client.getDevice('new'))).toBeInstanceOf(DeviceNotFound);
    expect(client.peekDevice('new')).toBeUndefined();
    expect(sent('GET /v1/devices/new')).toBe(1);
    service.ingest(reading({ device: 'new' }));
    await clock.advance(0);
    expect(await client.getDevice('new')).toMatchObject({ id: 'new' });
    await client.close();
  });

  it('asks only for those of many that it does not have', async () => {
    const { client, service, clock } = await following();
    service.ingest(reading({ device: 'b' }), reading({ device: 'c' }));
    await clock.advance(0);
    const devices = await client.getDevices(['c', 'a', 'nobody', 'b']);
    expect([...devices.keys()]).toEqual(['c', 'a', 'b']);
    await client.getDevices(['a', 'b', 'c', 'nobody']);
    expect(service.requests.filter(({ path }) => path === '/v1/devices/batch')).toHaveLength(1);
    await client.close();
  });

  it('tells how many questions it has answered', async () => {
    const { client } = await following();
    for (let i = 0; i < 8; i++) await client.getDevice('a');
    expect((await client.cacheInfo()).hitRatios).toEqual({ store: null, near: 0.8 });
    await client.close();
  });

  it('lets a stale device stand in for one that can not be asked for, where that is wanted', async () => {
    const { client, service, clock } = await following({ ttlMs: 1_000, staleIfErrorMs: 60_000 });
    service.interfere = () => problem(503, 'STORE_UNAVAILABLE', 'away');
    await clock.advance(2_000);
    const device = client.getDevice('a');
    await clock.advance(5_000);
    expect(await device).toMatchObject({ id: 'a' });
    await client.close();
  });

  it('is there only when it is wanted: without it peekDevice is an error, and no stream is opened', async () => {
    const { client, sent, service } = clientUnderTest();
    service.ingest(reading({ device: 'a' }));
    await client.getDevice('a');
    expect(() => client.peekDevice('a')).toThrow(/nearCache/);
    expect(sent('GET /v1/stream')).toBe(0);
  });
});
