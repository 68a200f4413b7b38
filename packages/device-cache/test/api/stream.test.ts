/** The stream of changes: from now on, from where a reader was, and what it is told where that is not known. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reading } from '../../src/store/test-support/readings.ts';
import { RunningService } from '../test-support/running-service.ts';

interface StreamEvent {
  readonly event: string;
  readonly id: string;
  readonly data: { readonly deviceId?: string; readonly cause?: string; readonly reason?: string };
}

/** A reader of a stream. */
class Listener {
  readonly events: StreamEvent[] = [];
  hasEnded: boolean = false;
  private readonly abort: AbortController = new AbortController();

  static async open(url: string, query = '', headers: Readonly<Record<string, string>> = {}): Promise<Listener> {
    const listener = new Listener();
    const response = await fetch(`${url}/v1/stream${query}`, { headers, signal: listener.abort.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    void listener.read(response.body!).catch(() => undefined);
    return listener;
  }

  close(): void {
    this.abort.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts.filter((one) => one.startsWith('event:'))) this.events.push(eventOf(part));
    }
    this.hasEnded = true;
  }
}

function eventOf(text: string): StreamEvent {
  const fields = Object.fromEntries(text.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))) as Record<
    string,
    string
  >;
  return { event: fields['event']!, id: fields['id']!, data: JSON.parse(fields['data']!) as StreamEvent['data'] };
}

describe('the stream', () => {
  let api: RunningService;
  const listeners: Listener[] = [];
  beforeEach(async () => {
    api = await RunningService.start({ api: { maxStreams: 3, rateLimit: 100_000 } });
  });
  afterEach(async () => {
    for (const listener of listeners.splice(0)) listener.close();
    await api.stop();
  });

  async function open(query = '', headers: Readonly<Record<string, string>> = {}): Promise<Listener> {
    const listener = await Listener.open(api.url, query, headers);
    listeners.push(listener);
    return listener;
  }

  const put = (id: string) => api.ask('PUT', `/v1/devices/${id}`, { json: { metadata: {} } });
  const devices = ({ events }: Listener): unknown[] =>
    events.filter(({ event }) => event === 'change').map(({ data }) => data.deviceId);

  it('says that it is ready, and tells of every change from then on', async () => {
    const listener = await open();
    await expect.poll(() => listener.events.map(({ event }) => event)).toEqual(['ready']);
    await put('a');
    await api.ask('POST', '/v1/readings', { json: reading('b') });
    await api.ask('DELETE', '/v1/devices/a');
    await expect
      .poll(() => listener.events.slice(1).map(({ data }) => [data.deviceId, data.cause]))
      .toEqual([
        ['a', 'metadata'],
        ['b', 'readings'],
        ['a', 'deleted'],
      ]);
  });

  it('tells only of the devices that are meant', async () => {
    const [byId, byPattern] = [await open('?device=a&device=b'), await open('?pattern=s-*')];
    for (const id of ['a', 's-1', 'c', 'b', 's-2']) await put(id);
    await expect.poll(() => devices(byId)).toEqual(['a', 'b']);
    await expect.poll(() => devices(byPattern)).toEqual(['s-1', 's-2']);
  });

  it('goes on where a reader was, by header or by query, with nothing left out', async () => {
    const first = await open();
    await put('a');
    await expect.poll(() => devices(first)).toEqual(['a']);
    const { id } = first.events.at(-1)!;
    first.close();
    for (const device of ['b', 'c']) await put(device);
    const byHeader = await open('', { 'last-event-id': id });
    const byQuery = await open(`?since=${encodeURIComponent(id)}`);
    await put('d');
    await expect.poll(() => devices(byHeader)).toEqual(['b', 'c', 'd']);
    await expect.poll(() => devices(byQuery)).toEqual(['b', 'c', 'd']);
    expect(byHeader.events[0]!.event).toBe('change');
  });

  it('says that a reader must look at everything again where it does not know its place', async () => {
    const listener = await open('?since=from-another-life');
    await expect
      .poll(() => listener.events[0])
      .toMatchObject({ event: 'resync', data: { reason: 'unknown-position' } });
    await put('a');
    await expect.poll(() => devices(listener)).toEqual(['a']);
  });

  it('says so as well where its log does not reach back', async () => {
    const listener = await open();
    await expect.poll(() => listener.events.length).toBe(1);
    const { id } = listener.events[0]!;
    listener.close();
    const many = Array.from({ length: 1_000 }, (_, at) => ({ id: `m-${at}`, metadata: {} }));
    for (let i = 0; i < 11; i++) await api.ask('PUT', '/v1/devices', { json: { devices: many } });
    const late = await open('', { 'last-event-id': id });
    await expect.poll(() => late.events[0]).toMatchObject({ event: 'resync', data: { reason: 'log-exceeded' } });
  });

  it('has a bound for how many are open', async () => {
    for (let i = 0; i < 3; i++) await open();
    const refused = await api.ask('GET', '/v1/stream');
    expect(refused.body).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    listeners[0]!.close();
    await expect
      .poll(() => fetch(`${api.url}/v1/stream`, { method: 'HEAD' }).then(({ status }) => status))
      .not.toBe(429);
  });

  it('ends when the service stops, and does not hold it up', async () => {
    const listener = await open();
    await expect.poll(() => listener.events.length).toBe(1);
    const before = performance.now();
    await api.service.stop();
    expect(performance.now() - before).toBeLessThan(3_000);
    await expect.poll(() => listener.hasEnded).toBe(true);
  });
});
