/**
 * The service of the contract in a few lines and in memory, as a `fetch`: what the client's own tests talk to. The real one is
 * in packages/device-cache; both pass the same suite.
 */
import type { Device, DeviceEntry } from '../contract/device.ts';
import { matchesPattern, passesFilter } from '../contract/device-filter.ts';
import type { JsonObject } from '../contract/json-value.ts';
import type { ListQuery } from '../contract/query.ts';
import { categoryOf, type Reading } from '../contract/reading.ts';
import type { ChangeCause } from '../contract/stream.ts';
import { timestampMs } from '../contract/timestamp.ts';

interface Kept {
  lastUpdatedMs: number;
  metadata: JsonObject;
  readonly readings: Map<string, Reading>;
}

interface Change {
  readonly position: number;
  readonly deviceId: string;
  readonly cause: ChangeCause;
  readonly categories: readonly string[];
}

type Answer = Response | Promise<Response> | undefined;

/** A request as a test sees it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly url: URL;
  readonly headers: Headers;
}

export class MemoryService {
  readonly requests: SeenRequest[] = [];
  /** Answers instead of the service, or lets a request through by undefined. */
  interfere: (request: SeenRequest, signal: AbortSignal) => Answer = () => undefined;
  /** How many changes the log holds. */
  logLength = 1000;
  /** The time of what is put. */
  now = (): number => Date.UTC(2024, 2, 1, 13);
  private readonly devices: Map<string, Kept> = new Map();
  private readonly log: Change[] = [];
  private position = 0;
  private readonly streams: Set<{ readonly send: (change: Change) => void; readonly end: () => void }> = new Set();

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init.method ?? 'GET';
    const seen = { method, path: url.pathname, url, headers: new Headers(init.headers) };
    this.requests.push(seen);
    const signal = init.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const answer = this.interfere(seen, signal);
    if (answer !== undefined) return answer;
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    return this.answer(seen, body, signal);
  };

  /** Keeps the latest of each index. */
  ingest(...readings: readonly Reading[]): void {
    for (const reading of readings) {
      const device = this.deviceFor(reading.device_id);
      device.readings.set(`${categoryOf(reading)}:${reading.index}`, reading);
      device.lastUpdatedMs = Math.max(device.lastUpdatedMs, timestampMs(reading.timestamp)!);
      this.note(reading.device_id, 'readings', [categoryOf(reading)]);
    }
  }

  /** Forgets everything, the log included, as a service does that is started anew. */
  restart(): void {
    this.devices.clear();
    this.log.length = 0;
    this.position += 1_000_000;
    this.breakStreams();
  }

  breakStreams(): void {
    for (const { end } of this.streams) end();
  }

  get openStreams(): number {
    return this.streams.size;
  }

  private answer({ method, path, url, headers }: SeenRequest, body: unknown, signal: AbortSignal): Response {
    const [, , section, second, third] = path.split('/').map(decodeURIComponent);
    if (section === 'stream') return this.stream(url, headers, signal);
    if (section === 'cache') return json(this.info());
    if (section === 'health') return json({ status: 'healthy', causes: [], checkedAt: iso(this.now()) });
    if (second === undefined && method === 'GET') return this.list(url.searchParams);
    if (second === undefined)
      return json({ devices: (body as { devices: DeviceEntry[] }).devices.map((e) => this.put(e)) });
    if (second === 'batch') return this.batch((body as { ids: string[] }).ids);
    if (method === 'PUT') return json(this.put({ id: second, metadata: (body as DeviceEntry).metadata }));
    const device = this.device(second);
    if (device === undefined) return problem(404, 'DEVICE_NOT_FOUND', `there is no device ${second}`);
    if (method === 'DELETE') return this.remove(second);
    return json(third === undefined ? device : { deviceId: second, readings: device.readings.filter(meant(url)) });
  }

  private list(parameters: URLSearchParams): Response {
    const texts = Object.fromEntries(parameters);
    const query = texts as unknown as ListQuery;
    const { sort = 'id', cursor } = query;
    const [limit, offset] = [Number(texts['limit'] ?? 100), Number(texts['offset'] ?? 0)];
    if (cursor !== undefined && cursor.includes('~')) {
      const faults = [{ path: 'query.cursor', message: 'is none' }];
      return problem(400, 'INVALID_REQUEST', 'the cursor is none', { faults });
    }
    const direction = sort.startsWith('-') ? -1 : 1;
    const isByTime = sort.endsWith('lastUpdated');
    // Turned round, times are counted from the end, and ids still from the beginning.
    const timeOf = ({ lastUpdated }: Device): number => (direction > 0 ? 1 : -1) * Date.parse(lastUpdated) + 1e14;
    const keyOf = (device: Device): string => (isByTime ? `${timeOf(device)} ${device.id}` : device.id);
    const isBehind = (a: string, b: string): boolean => (isByTime || direction > 0 ? a > b : a < b);
    const after = cursor === undefined ? undefined : decodeURIComponent(cursor);
    const all = [...this.devices.keys()]
      .map((id) => this.device(id)!)
      .filter((device) => passesFilter(device, query))
      .toSorted((a, b) => (isBehind(keyOf(a), keyOf(b)) ? 1 : -1))
      .filter((device) => after === undefined || isBehind(keyOf(device), after));
    const page = all.slice(offset, offset + limit);
    const more = all.length > offset + limit;
    const devices = page.map(({ readings: _readings, ...summary }) => summary);
    return json({ devices, nextCursor: more ? encodeURIComponent(keyOf(page.at(-1)!)) : null });
  }

  private batch(ids: readonly string[]): Response {
    const unique = [...new Set(ids)];
    const devices = unique.map((id) => this.device(id)).filter((device) => device !== undefined);
    return json({ devices, missing: unique.filter((id) => !this.devices.has(id)) });
  }

  private put({ id, metadata }: DeviceEntry): Device {
    const device = this.deviceFor(id);
    device.metadata = metadata;
    device.lastUpdatedMs = Math.max(device.lastUpdatedMs, this.now());
    this.note(id, 'metadata');
    return this.device(id)!;
  }

  private remove(id: string): Response {
    this.devices.delete(id);
    this.note(id, 'deleted');
    return new Response(null, { status: 204 });
  }

  private info(): object {
    const times = [...this.devices.values()].map(({ lastUpdatedMs }) => lastUpdatedMs).toSorted((a, b) => a - b);
    return {
      ...{ store: 'memory', devices: this.devices.size, memoryBytes: null, hitRatios: { store: null } },
      oldestEntry: times.length === 0 ? null : iso(times[0]!),
      newestEntry: times.length === 0 ? null : iso(times.at(-1)!),
    };
  }

  private stream(url: URL, headers: Headers, signal: AbortSignal): Response {
    const since = headers.get('last-event-id') ?? url.searchParams.get('since');
    const isMeant = streamMeaning(url.searchParams);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const event = (id: number, name: string, data: object): void =>
          controller.enqueue(encoder.encode(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
        const send = (change: Change): void => {
          const { position, deviceId, cause, categories } = change;
          if (isMeant(deviceId)) event(position, 'change', { deviceId, cause, categories, at: iso(this.now()) });
        };
        const known = since === null ? undefined : Number(since);
        if (known === undefined) event(this.position, 'ready', {});
        else if (known > this.position) event(this.position, 'resync', { reason: 'unknown-position' });
        else if (this.position - known > this.log.length) event(this.position, 'resync', { reason: 'log-exceeded' });
        else for (const change of this.log) if (change.position > known) send(change);
        const end = (): void => {
          if (!this.streams.delete(entry)) return;
          signal.removeEventListener('abort', abort);
          controller.close();
        };
        const abort = (): void => {
          if (this.streams.delete(entry)) controller.error(signal.reason);
        };
        const entry = { send, end };
        this.streams.add(entry);
        signal.addEventListener('abort', abort, { once: true });
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }

  private note(deviceId: string, cause: ChangeCause, categories: readonly string[] = []): void {
    this.position++;
    const change = { position: this.position, deviceId, cause, categories };
    this.log.push(change);
    while (this.log.length > this.logLength) this.log.shift();
    for (const { send } of this.streams) send(change);
  }

  private deviceFor(id: string): Kept {
    let device = this.devices.get(id);
    if (device === undefined) {
      device = { lastUpdatedMs: 0, metadata: {}, readings: new Map() };
      this.devices.set(id, device);
    }
    return device;
  }

  private device(id: string): Device | undefined {
    const kept = this.devices.get(id);
    if (kept === undefined) return undefined;
    const readings = [...kept.readings].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, reading]) => reading);
    const categories = [...new Set(readings.map(categoryOf))];
    const { metadata, lastUpdatedMs } = kept;
    return { id, lastUpdated: iso(lastUpdatedMs), metadata, categories, readingCount: readings.length, readings };
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** JSON as a response. */
export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });

/** A problem document as a response. */
export const problem = (status: number, code: string, detail: string, more: object = {}): Response =>
  new Response(
    JSON.stringify({
      ...{ type: 'about:blank', title: 'A problem', status, detail, code, category: 'internal', details: {} },
      timestamp: '2024-03-01T12:00:00.000Z',
      ...more,
    }),
    { status, headers: { 'content-type': 'application/problem+json' } },
  );

function meant({ searchParams }: URL): (reading: Reading) => boolean {
  const [category, index] = [searchParams.get('category'), searchParams.get('index')];
  return (reading) =>
    (category === null || categoryOf(reading) === category) && (index === null || reading.index === index);
}

function streamMeaning(parameters: URLSearchParams): (id: string) => boolean {
  const devices = parameters.getAll('device');
  const pattern = parameters.get('pattern');
  return (id) => (devices.length === 0 || devices.includes(id)) && (pattern === null || matchesPattern(pattern, id));
}
