/** Ten thousand calls of which most go wrong, in a process of their own; prints what they have left behind as JSON. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { bulkhead } from '../../../src/bulkhead/index.ts';
import { circuitBreaker } from '../../../src/circuit-breaker/index.ts';
import { resilientFetch } from '../../../src/http/index.ts';
import { pipeline } from '../../../src/pipeline/index.ts';
import { constant, retry } from '../../../src/retry/index.ts';
import { timeout } from '../../../src/timeout/index.ts';

const CALLS = 10_000;
const AT_ONCE = 50;

const sockets = new Set<Socket>();
let answers = 0;

/** Eight ways to answer, most of them bad. */
const answersOf: readonly ((response: ServerResponse) => void)[] = [
  (response) => response.end('fine'),
  (response) => response.writeHead(500).end('x'.repeat(20_000)),
  (response) => void response.socket!.destroy(),
  (response) => void response.writeHead(200).write('never ends'),
  (response) => void response.writeHead(503).write('never ends either'.repeat(500)),
  (response) => response.writeHead(404).end('gone'),
  (response) => response.writeHead(302, { location: '/' }).end(),
  (response) => void response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy()),
];

const server = createServer((_request, response) => {
  response.on('error', () => undefined);
  answersOf[answers++ % answersOf.length]!(response);
});
server.on('connection', (socket) => {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const permits = bulkhead({ maxConcurrent: AT_ONCE, maxQueue: CALLS });
const breaker = circuitBreaker({ minThroughput: CALLS * 10 });
const calls = pipeline(
  retry({ maxAttempts: 2, backoff: constant(0) }),
  breaker,
  permits,
  timeout({ timeoutMs: 5_000 }),
);
const http = resilientFetch(calls, { maxErrorBodyBytes: 100, headersTimeoutMs: 4_000, connectTimeoutMs: 4_000 });

/** One signal for all calls: what stays behind on it would be seen. */
const shared = new AbortController();
let listeners = 0;
const platformAdd = shared.signal.addEventListener.bind(shared.signal);
const platformRemove = shared.signal.removeEventListener.bind(shared.signal);
shared.signal.addEventListener = (...parameters: Parameters<typeof platformAdd>): void => {
  listeners++;
  platformAdd(...parameters);
};
shared.signal.removeEventListener = (...parameters: Parameters<typeof platformRemove>): void => {
  listeners--;
  platformRemove(...parameters);
};

/** What a caller may do with a response: all of it lets go of the body in the end. */
const ways: readonly ((response: Response, abort: () => void) => unknown)[] = [
  (response) => response.body?.cancel(),
  (_response, abort) => abort(),
  async (response, abort) => {
    await response.body?.getReader().read();
    abort();
  },
  (response, abort) => {
    setTimeout(abort, 1);
    return response.text();
  },
  async (response) => {
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
  },
];

async function oneCall(index: number): Promise<'answered' | 'failed'> {
  const own = new AbortController();
  const way = ways[index % ways.length]!;
  // The shared signal is never aborted: only ways that don't need it take it.
  const signal = way.length < 2 ? shared.signal : own.signal;
  try {
    await way(await http(url, { signal }), () => own.abort());
    return 'answered';
  } catch {
    // That most fail is what this is about.
    return 'failed';
  }
}

const counts = { answered: 0, failed: 0 };
let next = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < CALLS) counts[await oneCall(next++)]++;
  }),
);
const left = await calls.close({ timeoutMs: 20_000 });

// The platform's pool closes when no request is under way any more: one that was left behind would keep it open.
const pool = (globalThis as never as Record<symbol, { close(): Promise<void> }>)[
  Symbol.for('undici.globalDispatcher.1')
]!;
await pool.close();
while (sockets.size > 0) await once([...sockets][0]!, 'close');
server.close();
await once(server, 'close');
// The shared timers of the clock, which tick every 50 ms while there is something to wait for, come to rest.
await new Promise((resolve) => setTimeout(resolve, 500));
const resources = process.getActiveResourcesInfo().filter((name) => /Timeout|TCPSocket/.test(name));
console.log(JSON.stringify({ ...counts, left, running: permits.running, listeners, resources }));
process.exit();
