// Calls of a server on this machine over connections that are kept open; each reads its whole answer as text.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { resilientFetch } from '../../packages/core/dist/http/index.js';
import { pipeline } from '../../packages/core/dist/index.js';
import { ours, timeoutMs } from '../policies.mjs';
import { inSequence } from '../run.mjs';

// Node brings its own dispatcher as soon as somebody asks for a part of fetch. Asked for before undici is loaded, it stays,
// and every candidate that calls fetch has the platform's.
if (typeof Response !== 'function') throw new Error('this platform has no fetch');

let url = '';

/** Starts the server once; it ends with this process. */
async function serverUrl() {
  if (url !== '') return url;
  const server = fork(fileURLToPath(new URL('../http-server.mjs', import.meta.url)));
  server.unref();
  const [port] = await once(server, 'message');
  server.channel.unref();
  url = `http://127.0.0.1:${port}/items`;
  return url;
}

/** A candidate that has the address of one item. */
const asking = (make) => async (use) => make(`${await serverUrl()}/1`, use);

function underFourPolicies() {
  return resilientFetch(pipeline(ours.retry(), ours.breaker(), ours.bulkhead(), ours.timeout()));
}

/** A call takes so long that a usual sample, after a usual warm-up, would show what nobody's code was compiled for yet. */
const sampling = { loop: inSequence, calls: 200, warmUpMs: 1_500 };

/** Where undici itself wants a newer Node, the one that Node's own fetch is made of stands in, by its dispatcher. */
function undiciRequest(use) {
  try {
    return use('undici').request;
  } catch (error) {
    const dispatcher = globalThis[Symbol.for('undici.globalDispatcher.1')];
    if (dispatcher === undefined) throw error;
    return (address) => {
      const { origin, pathname, search } = new URL(address);
      return dispatcher.request({ origin, path: `${pathname}${search}`, method: 'GET' });
    };
  }
}

const small = {
  name: 'fetch of a local server under four policies',
  ceiling: 1.05,
  digits: 2,
  ...sampling,
  bare: async () => (await fetch(`${url}/1`)).text(),
  ours: asking((at) => {
    const fetchUnder = underFourPolicies();
    return async () => (await fetchUnder(at)).text();
  }),
  rivals: {
    'fetch with a signal': asking((at) => async () => {
      const { signal } = new AbortController();
      return (await fetch(at, { signal })).text();
    }),
    'fetch with AbortSignal.timeout': asking(
      (at) => async () => (await fetch(at, { signal: AbortSignal.timeout(timeoutMs) })).text(),
    ),
    'fetch with a signal inside the same policies, its body unwatched': asking((at) => {
      const calls = pipeline(ours.retry(), ours.breaker(), ours.bulkhead(), ours.timeout());
      return () => calls.execute(async ({ signal }) => (await fetch(at, { signal })).text());
    }),
    'undici.request': asking((at, use) => {
      const request = undiciRequest(use);
      return async () => (await request(at)).body.text();
    }),
    got: asking((at, use) => {
      const { default: got } = use('got');
      return () => got(at, { timeout: { request: timeoutMs } }).text();
    }),
    ky: asking((at, use) => {
      const { default: ky } = use('ky');
      return () => ky(at, { timeout: timeoutMs }).text();
    }),
    'axios with axios-retry': asking((at, use) => {
      const client = use('axios').default.create({ timeout: timeoutMs });
      use('axios-retry').default(client, { retries: 2 });
      return () => client.get(at);
    }),
  },
};

/** A body that has to be watched until it has been read: it may turn out to be broken when it is decompressed. */
const compressed = {
  name: 'fetch of a compressed list under four policies',
  ceiling: 1.05,
  digits: 2,
  ...sampling,
  bare: async () => (await fetch(url)).text(),
  ours: async () => {
    const at = await serverUrl();
    const fetchUnder = underFourPolicies();
    return async () => (await fetchUnder(at)).text();
  },
  rivals: {
    'fetch with a signal': async () => {
      const at = await serverUrl();
      return async () => (await fetch(at, { signal: new AbortController().signal })).text();
    },
  },
};

export const http = [small, compressed];
