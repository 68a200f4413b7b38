/** Several attempts of one request at the same time: whose response it is, and what becomes of the others'. */
import { beforeEach, describe, expect, it } from 'vitest';
import { bulkhead } from '../bulkhead/index.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { hedge, type HedgeOptions } from '../hedge/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { microtasks, watched } from '../testing/test-support/watched.ts';
import { type Fetch, resilientFetch, type ResilientFetchOptions } from './index.ts';

const url = 'http://host.test/items/1';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** One request under way: the test answers it, and sees what becomes of its body. */
class Exchange {
  readonly signal: AbortSignal;
  bodyCancelled = false;
  #resolve!: (response: Response) => void;
  #reject!: (error: unknown) => void;
  #body!: ReadableStreamDefaultController<Uint8Array>;
  readonly promise: Promise<Response>;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', () => this.#reject(signal.reason));
  }

  /** Sends the headers; the body is still to come. */
  respond(status = 200): void {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#body = controller),
      cancel: () => void (this.bodyCancelled = true),
    });
    this.#resolve(new Response(body, { status, headers: { 'x-status': String(status) } }));
  }

  respondBodiless(): void {
    this.#resolve(new Response(null, { status: 204 }));
  }

  send(text: string): void {
    this.#body.enqueue(new TextEncoder().encode(text));
    this.#body.close();
  }

  breakOff(error: unknown): void {
    this.#body.error(error);
  }

  fail(): void {
    this.#reject(new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }));
  }
}

function hedgedFetch(hedgeOptions: HedgeOptions, options: ResilientFetchOptions = {}) {
  const exchanges: Exchange[] = [];
  const fetch: Fetch = (_input, init) => {
    const exchange = new Exchange(init!.signal!);
    exchanges.push(exchange);
    return exchange.promise;
  };
  const gate = bulkhead();
  const calls = pipeline({ clock }, hedge(hedgeOptions), gate);
  return { exchanges, gate, calls, get: resilientFetch(calls, { fetch, ...options }) };
}

describe('a hedged fetch that streams', () => {
  it('hands out the first response, and gives back the connection of one that comes later, before the body is read', async () => {
    for (const winner of [0, 1]) {
      const { exchanges, get, calls, gate } = hedgedFetch({ delayMs: 0 });
      const call = watched(get(url));
      await microtasks();
      exchanges[winner]!.respond();
      await microtasks();
      expect(call.state).toBe('fulfilled');
      exchanges[1 - winner]!.respond();
      await microtasks();
      expect(exchanges.map(({ bodyCancelled }) => bodyCancelled)).toEqual(winner === 0 ? [false, true] : [true, false]);
      exchanges[winner]!.send('body');
      expect(await call.value!.text()).toBe('body');
      expect(await calls.close()).toBe(0);
      expect([gate.running, clock.pendingTimers]).toEqual([0, 0]);
    }
  });

  it('gives a whole body or another answer where two responses come at once, whichever comes first', async () => {
    for (const bodilessFirst of [true, false]) {
      const { exchanges, get, calls } = hedgedFetch({ delayMs: 0 });
      const call = watched(get(url));
      await microtasks();
      if (bodilessFirst) exchanges[0]!.respondBodiless();
      exchanges[1]!.respond();
      if (!bodilessFirst) exchanges[0]!.respondBodiless();
      exchanges[1]!.send('body');
      await clock.advance(0);
      const response = call.value!;
      expect([response.status, await response.text()]).toEqual(bodilessFirst ? [204, ''] : [200, 'body']);
      expect(await calls.close()).toBe(0);
    }
  });

  it('hands no response out that comes at once with the failure that ends the call', async () => {
    const { exchanges, get, calls } = hedgedFetch({ delayMs: 0, hedgeIf: () => false });
    const call = watched(get(url));
    await microtasks();
    exchanges[0]!.fail();
    exchanges[1]!.respond();
    await clock.advance(0);
    expect([call.state, call.error]).toMatchObject(['rejected', { code: 'NETWORK_RESET' }]);
    expect(exchanges[1]!.bodyCancelled).toBe(true);
    expect(await calls.close()).toBe(0);
  });

  it('aborts a request that has no response when the body has been read', async () => {
    const { exchanges, get, calls } = hedgedFetch({ delayMs: 0 });
    const call = watched(get(url));
    await microtasks();
    exchanges[1]!.respond();
    await microtasks();
    exchanges[1]!.send('body');
    expect(await call.value!.text()).toBe('body');
    await microtasks();
    expect(exchanges.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(await calls.close()).toBe(0);
  });

  it('lets the caller read on when another attempt fails, in whatever way', async () => {
    for (const trouble of ['connection', 'status', 'refused status'] as const) {
      const { exchanges, get, calls } = hedgedFetch(
        { delayMs: 0 },
        { failureStatuses: trouble === 'refused status' ? [400] : [503] },
      );
      const call = watched(get(url));
      await microtasks();
      exchanges[1]!.respond();
      await microtasks();
      if (trouble === 'connection') exchanges[0]!.fail();
      else {
        exchanges[0]!.respond(trouble === 'status' ? 503 : 400);
        await microtasks();
        exchanges[0]!.send('no');
      }
      await microtasks();
      exchanges[1]!.send('body');
      expect(await call.value!.text()).toBe('body');
      expect(await calls.close()).toBe(0);
    }
  });

  it('lets the caller read on when another attempt has an answer without a body', async () => {
    const { exchanges, get, calls } = hedgedFetch({ delayMs: 0 });
    const call = watched(get(url));
    await microtasks();
    exchanges[0]!.respond();
    await microtasks();
    exchanges[1]!.respondBodiless();
    await microtasks();
    exchanges[0]!.send('body');
    expect(await call.value!.text()).toBe('body');
    expect(await calls.close()).toBe(0);
  });

  it('sends no other request while the caller reads slowly', async () => {
    const { exchanges, get, calls } = hedgedFetch({ delayMs: 100, maxAttempts: 3 });
    const call = watched(get(url));
    await microtasks();
    exchanges[0]!.respond();
    await clock.advance(1_000);
    expect(exchanges).toHaveLength(1);
    exchanges[0]!.send('body');
    expect(await call.value!.text()).toBe('body');
    expect(await calls.close()).toBe(0);
  });

  it('breaks off the body that the caller has with its error, sends nothing more, and leaves nothing open', async () => {
    const { exchanges, get, calls, gate } = hedgedFetch({ delayMs: 0, maxAttempts: 3 });
    const call = watched(get(url));
    await microtasks();
    exchanges[0]!.respond();
    await microtasks();
    exchanges[1]!.respond();
    const read = watched(call.value!.text());
    await microtasks();
    exchanges[0]!.breakOff(new TypeError('terminated'));
    await microtasks();
    await clock.advance(1);
    expect(read.state).toBe('rejected');
    expect([exchanges.length, exchanges[1]!.bodyCancelled, exchanges[2]!.signal.aborted]).toEqual([3, true, true]);
    expect(await calls.close()).toBe(0);
    expect(gate.running).toBe(0);
  });

  it('aborts all requests with the caller, and the body that was handed out', async () => {
    const controller = new AbortController();
    const { exchanges, get, calls } = hedgedFetch({ delayMs: 0 });
    const call = watched(get(url, { signal: controller.signal }));
    await microtasks();
    exchanges[0]!.respond();
    await microtasks();
    controller.abort();
    await clock.advance(1);
    expect(exchanges.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(exchanges[0]!.bodyCancelled).toBe(true);
    const read = watched(call.value!.text());
    await clock.advance(0);
    expect(read.state).toBe('rejected');
    expect(await calls.close()).toBe(0);
  });
});

describe('a hedged fetch of whole bodies', () => {
  it('gives the first response that is complete, and aborts the other in the middle of its body', async () => {
    const { exchanges, get, calls } = hedgedFetch({ delayMs: 0 }, { body: 'buffered' });
    const call = watched(get(url));
    await microtasks();
    exchanges[0]!.respond();
    exchanges[1]!.respond();
    await clock.advance(0);
    exchanges[1]!.send('second');
    await clock.advance(0);
    expect(await call.value!.text()).toBe('second');
    expect(exchanges.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    exchanges[0]!.breakOff(exchanges[0]!.signal.reason);
    expect(await calls.close()).toBe(0);
  });
});

describe('a hedge of a request that must not be sent twice', () => {
  it.each(['stream', 'buffered'] as const)(
    'leaves it alone: it is sent once, and its answer counts (%s)',
    async (body) => {
      const { exchanges, get, calls } = hedgedFetch({ delayMs: 100, maxAttempts: 3 }, { body });
      const failed: unknown[] = [];
      calls.on('hedge-attempt-failed', ({ attempt, error }) =>
        failed.push([attempt, (error as { code: string }).code]),
      );
      const call = watched(get(url, { method: 'POST', body: '{}' }));
      await clock.advance(1_000);
      expect([exchanges.length, failed]).toEqual([1, [[2, 'REQUEST_NOT_REPEATABLE']]]);
      exchanges[0]!.respond();
      await clock.advance(0);
      exchanges[0]!.send('made');
      await clock.advance(0);
      expect(await call.value!.text()).toBe('made');
      expect(await calls.close()).toBe(0);
    },
  );

  it('sends it again where it has an Idempotency-Key', async () => {
    const { exchanges, get } = hedgedFetch({ delayMs: 100 });
    watched(get(url, { method: 'POST', body: '{}', headers: { 'idempotency-key': '1' } }));
    await clock.advance(100);
    expect(exchanges).toHaveLength(2);
  });
});
