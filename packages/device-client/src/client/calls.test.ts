import { pipeline } from 'breakwater';
import { describe, expect, it } from 'vitest';
import {
  AccessDenied,
  ClientClosed,
  DeviceCacheError,
  InvalidRequest,
  InvalidResponse,
  RateLimited,
  RequestTimedOut,
  ServiceUnavailable,
} from '../errors/errors.ts';
import { clientUnderTest, rejection, SERVICE_URL } from '../test-support/clients.ts';
import { json, problem } from '../test-support/memory-service.ts';
import { readingOfStation as reading } from '../test-support/readings.ts';

const DEVICE = 'GET /v1/devices/a';

/** Fails the first so many requests. */
const failing = (times: number, answer: () => Response): (() => Response | undefined) => {
  let left = times;
  return () => (left-- > 0 ? answer() : undefined);
};
const unavailable = (): Response => problem(503, 'STORE_UNAVAILABLE', 'the store is away');
const never = (_: unknown, signal: AbortSignal): Promise<Response> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('a call', () => {
  it('is tried again after trouble that passes, and gives the answer', async () => {
    const { client, service, clock, sent } = clientUnderTest();
    service.ingest(reading({ device: 'a' }));
    service.interfere = failing(2, unavailable);
    const device = client.getDevice('a');
    await clock.advance(5_000);
    expect(await device).toMatchObject({ id: 'a' });
    expect(sent(DEVICE)).toBe(3);
  });

  it('waits as long as the service asks for', async () => {
    const { client, service, clock, sent } = clientUnderTest();
    service.ingest(reading({ device: 'a' }));
    service.interfere = failing(1, () => problem(429, 'RATE_LIMITED', 'too many', { retry_after: 7 }));
    const device = client.getDevice('a');
    await clock.advance(6_999);
    expect(sent(DEVICE)).toBe(1);
    await clock.advance(1);
    expect(await device).toMatchObject({ id: 'a' });
  });

  it('fails with what the last attempt failed with', async () => {
    const { client, service, clock } = clientUnderTest();
    service.interfere = unavailable;
    const error = rejection(client.getDevice('a'));
    await clock.advance(5_000);
    expect(await error).toBeInstanceOf(ServiceUnavailable);
    expect(await error).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      category: 'external_service',
      details: { reason: 'STORE_UNAVAILABLE', status: 503 },
      message: 'GET /v1/devices/a: the store is away',
    });
  });

  it.each([
    [400, 'INVALID_REQUEST', InvalidRequest, 1],
    [409, 'IDEMPOTENCY_CONFLICT', InvalidRequest, 1],
    [401, 'UNAUTHENTICATED', AccessDenied, 1],
    [403, 'FORBIDDEN', AccessDenied, 1],
    [429, 'RATE_LIMITED', RateLimited, 3],
    [500, 'INTERNAL', ServiceUnavailable, 3],
    [504, 'TIMEOUT', RequestTimedOut, 3],
  ])('that is answered with %i %s fails in its own words, after as many attempts as make sense', async (...row) => {
    const [status, code, errorClass, attempts] = row;
    const { client, service, clock, sent } = clientUnderTest();
    const faults = [{ path: 'query.limit', message: 'is too large' }];
    service.interfere = () => problem(status, code, 'no', { faults, request_id: 'r-1' });
    const error = rejection(client.getDevice('a'));
    await clock.advance(30_000);
    expect(await error).toBeInstanceOf(errorClass);
    expect(await error).toBeInstanceOf(DeviceCacheError);
    expect(await error).toMatchObject({ details: { reason: code, requestId: 'r-1' } });
    if (errorClass === InvalidRequest) expect(await error).toMatchObject({ code, faults });
    expect(sent(DEVICE)).toBe(attempts);
  });

  it('that hangs is given up after the time of an attempt, and tried again', async () => {
    const { client, service, clock, sent } = clientUnderTest({ httpTimeoutMs: 1_000 });
    service.ingest(reading({ device: 'a' }));
    let attempts = 0;
    service.interfere = (request, signal) => (++attempts === 1 ? never(request, signal) : undefined);
    const device = client.getDevice('a');
    await clock.advance(2_000);
    expect(await device).toMatchObject({ id: 'a' });
    expect(sent(DEVICE)).toBe(2);
  });

  it('ends after the time of a whole call, however many attempts are left', async () => {
    const { client, service, clock } = clientUnderTest({
      httpTimeoutMs: 1_000,
      totalTimeoutMs: 2_500,
      maxAttempts: 99,
    });
    service.interfere = never;
    const error = rejection(client.getDevice('a'));
    await clock.advance(2_500);
    expect(await error).toBeInstanceOf(RequestTimedOut);
    expect(await error).toMatchObject({ code: 'DEVICE_CACHE_TIMEOUT', details: { reason: 'TIMEOUT' } });
  });

  it('ends at its own deadline, with a near cache too, whose load goes on for others', async () => {
    const { client, service, clock } = clientUnderTest();
    service.interfere = never;
    const error = rejection(client.getDevice('a', { deadlineMs: 300 }));
    await clock.advance(300);
    expect(await error).toMatchObject({ code: 'DEVICE_CACHE_TIMEOUT', details: { reason: 'DEADLINE_EXCEEDED' } });

    const near = clientUnderTest({ nearCache: true });
    near.service.ingest(reading({ device: 'a' }));
    let answer: () => void = () => undefined;
    const found = await near.service.fetch(`${SERVICE_URL}/v1/devices/a`);
    near.service.interfere = ({ path }) =>
      path === '/v1/stream' ? undefined : new Promise((resolve) => (answer = () => resolve(found)));
    const [hasty, patient] = [rejection(near.client.getDevice('a', { deadlineMs: 300 })), near.client.getDevice('a')];
    await near.clock.advance(300);
    expect(await hasty).toMatchObject({ code: 'DEVICE_CACHE_TIMEOUT', details: { reason: 'CACHE_TIMEOUT' } });
    answer();
    expect(await patient).toMatchObject({ id: 'a' });
    await near.client.close();
  });

  it('that is part of another ends with it, for its reason and in its time', async () => {
    for (const nearCache of [false, true]) {
      const { client, service, clock } = clientUnderTest({ nearCache });
      service.interfere = ({ path }, signal) => (path === '/v1/stream' ? undefined : never(path, signal));
      const outer = pipeline({ clock });
      const controller = new AbortController();
      const aborted = rejection(
        outer.execute((parent) => client.getDevice('a', { parent }), { signal: controller.signal }),
      );
      const late = rejection(outer.execute((parent) => client.getDevices(['b'], { parent }), { deadlineMs: 200 }));
      const reason = new Error('the user has left');
      controller.abort(reason);
      expect(await aborted).toBe(reason);
      await clock.advance(200);
      expect(await late).toMatchObject({ category: 'timeout' });
      const closed = client.close();
      await clock.advance(60_000);
      await closed;
    }
  });

  it("ends with the caller's own reason when the caller aborts, with a near cache too", async () => {
    for (const nearCache of [false, true]) {
      const { client, service, clock } = clientUnderTest({ nearCache });
      service.interfere = ({ path }, signal) => (path === '/v1/stream' ? undefined : never(path, signal));
      const controller = new AbortController();
      const error = rejection(client.getDevice('a', { signal: controller.signal }));
      const reason = new Error('the user has left');
      controller.abort(reason);
      expect(await error).toBe(reason);
      // The near cache's load goes on for others, until its own time is up.
      const closed = client.close();
      await clock.advance(60_000);
      await closed;
    }
  });

  it('is not sent while the service fails again and again, and is again when it is back', async () => {
    const { client, service, clock, sent } = clientUnderTest({ maxAttempts: 1 });
    service.interfere = unavailable;
    for (let i = 0; i < 10; i++) await rejection(client.getDevice('a'));
    expect(await rejection(client.getDevice('a'))).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      details: { reason: 'CIRCUIT_OPEN' },
    });
    expect(await rejection(client.putDevice('a', { metadata: {} }))).toMatchObject({
      details: { reason: 'CIRCUIT_OPEN' },
    });
    expect(sent(DEVICE)).toBe(10);
    service.interfere = () => undefined;
    service.ingest(reading({ device: 'a' }));
    await clock.advance(30_000);
    expect(await client.getDevice('a')).toMatchObject({ id: 'a' });
  });

  it('about what there is not, or what is wrong with it, tells nothing bad of the service', async () => {
    const { client, service } = clientUnderTest({ maxAttempts: 1 });
    for (let i = 0; i < 20; i++) await rejection(client.getDevice('a'));
    service.interfere = () => problem(400, 'INVALID_REQUEST', 'no');
    for (let i = 0; i < 20; i++) await rejection(client.getDevice('a'));
    service.interfere = () => undefined;
    service.ingest(reading({ device: 'a' }));
    expect(await client.getDevice('a')).toMatchObject({ id: 'a' });
  });

  it('that takes longer than nearly all before it gets a second attempt beside it, unless hedging is off', async () => {
    for (const hedge of [true, false]) {
      const { client, service, clock, sent } = clientUnderTest({ hedge });
      service.ingest(reading({ device: 'a' }));
      for (let i = 0; i < 40; i++) await client.getDevice('a');
      let asked = 0;
      service.interfere = (request, signal) => (++asked === 1 ? never(request, signal) : undefined);
      const device = client.getDevice('a');
      await clock.advance(100);
      expect(sent(DEVICE)).toBe(hedge ? 42 : 41);
      await clock.advance(20_000);
      expect(await device).toMatchObject({ id: 'a' });
    }
  });

  it('goes through the pipelines that it is given, which stay open', async () => {
    const given = pipeline();
    let calls = 0;
    const reads: typeof given = { ...given, execute: (fn, options) => (calls++, given.execute(fn, options)) };
    const { client, service } = clientUnderTest({ policies: { reads } });
    service.ingest(reading({ device: 'a' }));
    await client.getDevice('a');
    await client.putDevice('a', { metadata: {} });
    await client.close();
    expect(calls).toBe(1);
    expect(await given.execute(() => 'open')).toBe('open');
  });
});

describe('a request', () => {
  it('carries the token as it is at the moment, the headers that were given, and follows nobody elsewhere', async () => {
    const tokens = ['first', 'second'];
    const seen: (RequestInit | undefined)[] = [];
    const { client, service } = clientUnderTest({ headers: { 'x-team': 'weather' } });
    service.ingest(reading({ device: 'a' }));
    client.configure({
      url: `${SERVICE_URL}/cache/`,
      token: () => tokens.shift()!,
      fetch: (input, init) => {
        seen.push(init);
        return service.fetch((input as string).replace('/cache', ''), init);
      },
    });
    await client.getDevice('a');
    await client.getDevice('a');
    expect(service.requests.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer first',
      'Bearer second',
    ]);
    expect(service.requests[0]?.headers.get('x-team')).toBe('weather');
    expect(seen[0]?.redirect).toBe('error');
  });

  it.each(['../x', '..', 'a\u0000', 'x'.repeat(10_240), 'ü', '', 'a/b', 7 as never])(
    'with the id %j is not sent',
    async (id) => {
      const { client, service } = clientUnderTest();
      for (const call of [
        client.getDevice(id),
        client.getDevices(['a', id]),
        client.getReadings(id),
        client.putDevice(id, { metadata: {} }),
        client.putDevices([{ id, metadata: {} }]),
        client.deleteDevice(id),
      ]) {
        expect(await rejection(call)).toBeInstanceOf(InvalidRequest);
      }
      expect(() => client.watch({ device: id })).toThrow(InvalidRequest);
      expect(service.requests).toEqual([]);
    },
  );

  it('names all that is wrong with it', async () => {
    const { client } = clientUnderTest();
    const list = (): unknown => client.listDevices({ limit: 0, sort: 'name' as never, cursor: 'x', offset: 1 });
    expect(list).toThrow(InvalidRequest);
    const error = await rejection((async () => list())());
    const paths = (error as InvalidRequest).faults.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['query.limit', 'query.sort', 'query.offset']));
    expect(() => client.listDevices({ updatedSince: '2026-02-30T00:00:00Z' })).toThrow(/updatedSince/);
    const deep = JSON.parse(`${'{"a":'.repeat(29)}1${'}'.repeat(29)}`) as object;
    for (const metadata of [[], { a: NaN }, { a: new Date(0) }, { a: () => 1 }, { a: [undefined] }, { a: 1n }, deep]) {
      expect(await rejection(client.putDevice('a', { metadata: metadata as never }))).toBeInstanceOf(InvalidRequest);
    }
  });

  it('for many devices asks for a thousand at a time', async () => {
    const { client, service, sent } = clientUnderTest();
    service.ingest(reading({ device: 'd2499' }));
    const ids = Array.from({ length: 2500 }, (_, index) => `d${index}`);
    expect([...(await client.getDevices(ids)).keys()]).toEqual(['d2499']);
    expect(sent('POST /v1/devices/batch')).toBe(3);
    await client.putDevices(ids.map((id) => ({ id, metadata: {} })));
    expect(sent('PUT /v1/devices')).toBe(3);
  });
});

describe('an answer', () => {
  it('that is not what the contract says fails once, and says where it is wrong', async () => {
    const { client, service, sent } = clientUnderTest();
    const device = { id: 'a', lastUpdated: 'yesterday', metadata: {}, categories: [], readingCount: 0, readings: [] };
    service.interfere = () => json(device);
    const error = await rejection(client.getDevice('a'));
    expect(error).toBeInstanceOf(InvalidResponse);
    expect((error as InvalidResponse).faults[0]?.path).toBe('body.lastUpdated');
    expect(sent(DEVICE)).toBe(1);
  });

  it.each([
    ['a page of another server', () => new Response('<html>welcome</html>')],
    ['a 404 of another server', () => new Response('<html>no such page</html>', { status: 404 })],
  ])('that is %s is no device that is missing', async (_, answer) => {
    const { client, service } = clientUnderTest();
    service.interfere = answer;
    expect(await rejection(client.getDevice('a'))).toMatchObject({
      code: 'INVALID_RESPONSE',
      message: expect.stringContaining('is this the device cache?') as string,
    });
  });

  it('without end is broken off', async () => {
    const { client, service } = clientUnderTest();
    const chunk = new Uint8Array(1_048_576);
    let sent = 0;
    service.interfere = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            sent++;
            controller.enqueue(chunk);
          },
        }),
      );
    expect(await rejection(client.getDevice('a'))).toBeInstanceOf(InvalidResponse);
    expect(sent).toBeLessThan(80);
  });

  it('keeps what the contract does not name', async () => {
    const { client, service } = clientUnderTest();
    service.ingest(reading({ device: 'a' }));
    service.interfere = ({ path }) => (path === '/v1/cache/info' ? json({ ...INFO, shards: 3 }) : undefined);
    expect(await client.cacheInfo()).toEqual({ ...INFO, shards: 3 });
  });
});

const INFO = {
  ...{ store: 'redis', devices: 1, memoryBytes: 10, oldestEntry: null, newestEntry: null },
  hitRatios: { store: 0.5 },
};

describe('health', () => {
  it('is what the service says, also when it says so with status 503', async () => {
    const { client, service } = clientUnderTest();
    const causes = [{ component: 'store', status: 'unhealthy', message: 'gone' }];
    service.interfere = () => json({ status: 'unhealthy', causes, checkedAt: '2024-03-01T12:00:00Z' }, 503);
    expect(await client.health()).toMatchObject({ status: 'unhealthy', causes });
  });

  it.each([
    ['can not be reached', () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }))],
    ['answers with another page', () => new Response('<html>')],
    ['does not answer', () => new Promise<Response>(() => undefined)],
    ['wants another token', () => problem(401, 'UNAUTHENTICATED', 'no')],
  ])('is unhealthy, and no error, when the service %s', async (_, answer) => {
    const { client, service, clock, sent } = clientUnderTest();
    service.interfere = answer;
    const health = client.health();
    await clock.advance(10_000);
    expect(await health).toMatchObject({ status: 'unhealthy', checkedAt: expect.any(String) as string });
    expect((await health).causes[0]).toMatchObject({ component: 'http', status: 'unhealthy' });
    expect(sent('GET /v1/health')).toBe(1);
  });
});

describe('a client that is closed', () => {
  it('waits for the calls that run, and takes no more', async () => {
    const { client, service } = clientUnderTest();
    let answer: (response: Response) => void = () => undefined;
    service.interfere = () => new Promise((resolve) => (answer = resolve));
    const device = rejection(client.getDevice('a'));
    let closed = false;
    const closing = client.close().then(() => (closed = true));
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    expect(closed).toBe(false);
    answer(problem(404, 'DEVICE_NOT_FOUND', 'no'));
    expect(await device).toMatchObject({ code: 'DEVICE_NOT_FOUND' });
    await closing;
    expect(await rejection(client.getDevice('a'))).toBeInstanceOf(ClientClosed);
    expect(() => client.watch()).toThrow(ClientClosed);
    expect(() => client.configure({})).toThrow(ClientClosed);
    expect(await client.health()).toMatchObject({ status: 'unhealthy' });
    await client.close();
  });

  it('gives nothing from its near cache any more', async () => {
    const { client, service } = clientUnderTest({ nearCache: true });
    service.ingest(reading({ device: 'a' }));
    await client.getDevice('a');
    const closing = client.close();
    expect(await rejection(client.getDevice('a'))).toBeInstanceOf(ClientClosed);
    expect(await rejection(client.getDevices(['a']))).toBeInstanceOf(ClientClosed);
    await closing;
    expect(client.peekDevice('a')).toBeUndefined();
  });

  it('is closed by the end of an `await using` block', async () => {
    const { client } = clientUnderTest();
    {
      await using inBlock = client as typeof client & AsyncDisposable;
      expect(await inBlock.health()).toMatchObject({ status: 'healthy' });
    }
    expect(await rejection(client.getDevice('a'))).toBeInstanceOf(ClientClosed);
  });
});

describe('a logger', () => {
  it('is told what goes wrong, never a token, and may fail without harm', async () => {
    const lines: string[] = [];
    const take = (line: string): void => {
      lines.push(line);
      throw new Error('the disk is full');
    };
    const { client, service } = clientUnderTest({
      logger: { debug: take, info: take, warn: take, error: take },
      maxAttempts: 1,
    });
    service.interfere = unavailable;
    for (let i = 0; i < 10; i++) expect(await rejection(client.getDevice('a'))).toBeInstanceOf(ServiceUnavailable);
    expect(lines.some((line) => line.includes('getDevice failed'))).toBe(true);
    expect(lines.some((line) => line.includes('left alone'))).toBe(true);
    expect(lines.join('\n')).not.toContain('secret-token');
  });
});
