import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import type { Policy } from '../policy/policy.ts';
import { constant } from '../retry/backoff.ts';
import { retry } from '../retry/retry.ts';
import { microtasks } from '../testing/test-support/watched.ts';
import { timeout } from '../timeout/timeout.ts';
import { resilientInterceptor, type ResilientInterceptorOptions } from './index.ts';
import type { UndiciController, UndiciHandler, UndiciRequest, UndiciSend } from './undici-port.ts';

let clock: VirtualClock;
let sent: Sending[];
beforeEach(() => {
  clock = new VirtualClock();
  sent = [];
});

/** What was sent, with the handler by which the test answers. */
interface Sending {
  readonly request: UndiciRequest;
  readonly handler: UndiciHandler;
  readonly controller: UndiciController & { readonly abort: ReturnType<typeof vi.fn> };
}

const get = { origin: 'https://api.example', path: '/items?page=2', method: 'GET' };
const quickly = (): Policy => retry({ backoff: constant(0), retryIf: () => true });
const refused = Object.assign(new Error('reset'), { code: 'ECONNRESET' });

function controllerOf(): Sending['controller'] {
  const state = { aborted: false, paused: false, reason: null as Error | null, rawHeaders: ['a'], rawTrailers: ['b'] };
  return Object.assign(state, {
    abort: vi.fn((reason: Error) => void Object.assign(state, { aborted: true, reason })),
    pause: vi.fn(() => void (state.paused = true)),
    resume: vi.fn(() => void (state.paused = false)),
  });
}

/** Sends a request through the interceptor; what its handler is told. */
function intercept(policies: readonly Policy[], request: UndiciRequest = get, options?: ResilientInterceptorOptions) {
  const told: unknown[] = [];
  let shown: UndiciController | undefined;
  const handler: UndiciHandler = {
    onRequestStart: (controller) => {
      shown = controller;
      told.push('start');
    },
    onRequestUpgrade: (_controller, status) => void told.push(['upgrade', status]),
    onResponseStart: (_controller, status) => void told.push(['response', status]),
    onResponseData: (_controller, chunk) => void told.push(['data', chunk.length]),
    onResponseEnd: () => void told.push('end'),
    onResponseError: (_controller, error) => void told.push(error),
  };
  const dispatch: UndiciSend = (given, own) => {
    sent.push({ request: given, handler: own, controller: controllerOf() });
    return true;
  };
  const calls = pipeline({ clock }, ...policies);
  const through = resilientInterceptor(calls, options)(dispatch as never) as unknown as UndiciSend;
  expect(through(request, handler)).toBe(true);
  return { told, calls, controller: () => shown! };
}

const start = ({ handler, controller }: Sending): void => handler.onRequestStart!(controller, {});
const respond = ({ handler, controller }: Sending, status: number, headers = {}): void =>
  handler.onResponseStart!(controller, status, headers);
const fail = ({ handler, controller }: Sending, error: Error): void => handler.onResponseError!(controller, error);
const end = ({ handler, controller }: Sending): void => handler.onResponseEnd!(controller, {});

describe('an intercepted request', () => {
  it('is judged as by default where the condition throws, and the fault is told', async () => {
    const isFailure = (): boolean => {
      throw new Error('mine');
    };
    const { told, calls } = intercept([quickly()], get, { isFailure });
    const hooks: unknown[] = [];
    calls.on('hook-failed', ({ hook }) => hooks.push(hook));
    start(sent[0]!);
    respond(sent[0]!, 404);
    end(sent[0]!);
    await microtasks();
    expect([hooks, told, sent.length]).toEqual([['isFailure'], ['start', ['response', 404], 'end'], 1]);
  });

  it('that the dispatcher throws at fails with that, once, and is listened to no longer', async () => {
    const told: unknown[] = [];
    let dispatched = 0;
    const dispatch: UndiciSend = () => {
      dispatched++;
      throw new TypeError('no such method');
    };
    const calls = pipeline({ clock }, retry({ backoff: constant(1_000), jitter: 'none' }));
    const through = resilientInterceptor(calls)(dispatch as never) as unknown as UndiciSend;
    through(get, { onResponseError: (_controller, error) => void told.push(error.message) });
    await clock.advance(0);
    expect([told, dispatched, clock.pendingTimers]).toEqual([['no such method'], 1, 0]);
  });

  it('is one to its handler, however many attempts there are', async () => {
    const { told, calls } = intercept([quickly()]);
    start(sent[0]!);
    fail(sent[0]!, refused);
    await microtasks();
    start(sent[1]!);
    respond(sent[1]!, 100);
    respond(sent[1]!, 200);
    sent[1]!.handler.onResponseData!(sent[1]!.controller, new Uint8Array(3));
    end(sent[1]!);
    await microtasks();
    expect(told).toEqual(['start', ['response', 100], ['response', 200], ['data', 3], 'end']);
    expect(calls.busy).toBe(0);
  });

  it.each([
    ['a record', { 'Idempotency-Key': '1' }],
    ['names and values in a row', ['Idempotency-Key', '1']],
    ['pairs', new Map([['idempotency-key', '1']])],
  ])('with a key in its headers, as %s, may be sent again though it is a POST', async (_title, headers) => {
    intercept([quickly()], { ...get, method: 'POST', body: '{}', headers });
    start(sent[0]!);
    fail(sent[0]!, refused);
    await microtasks();
    expect(sent).toHaveLength(2);
  });

  it.each([
    ['no headers at all', undefined],
    ['headers that are a text', 'idempotency-key'],
    ['other headers in a row', ['accept', '*/*']],
    ['other pairs', new Map([['accept', '*/*']])],
  ])('with %s may not, being a POST', async (_title, headers) => {
    const { told } = intercept([quickly()], { ...get, method: 'POST', body: '{}', headers });
    start(sent[0]!);
    fail(sent[0]!, refused);
    await microtasks();
    expect([sent.length, told.at(-1)]).toMatchObject([1, { code: 'NETWORK_RESET' }]);
  });

  it('whose body is a stream is sent once, whatever its method', async () => {
    const { told } = intercept([quickly()], { ...get, method: 'PUT', body: { pipe: () => undefined } });
    fail(sent[0]!, refused);
    await microtasks();
    expect([sent.length, told]).toMatchObject([1, [{ code: 'NETWORK_RESET' }]]);
  });

  it('that was sent, and of which nobody knows what became, is not sent again unless it may be', async () => {
    const policies = [quickly(), timeout({ timeoutMs: 100 })];
    const post = intercept(policies, { ...get, method: 'POST', body: '{}' });
    start(sent[0]!);
    await clock.advance(100);
    expect(sent[0]!.controller.abort).toHaveBeenCalledTimes(1);
    expect([sent.length, post.told.at(-1)]).toMatchObject([1, { code: 'REQUEST_NOT_REPEATABLE', message: /POST/ }]);
    intercept(policies, get);
    await clock.advance(100);
    expect(sent).toHaveLength(3);
  });

  it('whose response was handed on is not sent again, whatever breaks then', async () => {
    const { told } = intercept([quickly()]);
    start(sent[0]!);
    respond(sent[0]!, 200);
    fail(sent[0]!, refused);
    await microtasks();
    expect([sent.length, told.at(-1)]).toMatchObject([1, { code: 'NETWORK_RESET' }]);
    const slow = intercept([quickly(), timeout({ timeoutMs: 100 })]);
    respond(sent[1]!, 200);
    await clock.advance(100);
    await microtasks();
    expect(sent).toHaveLength(2);
    expect(slow.told.at(-1)).toBeInstanceOf(Error);
  });

  it('that becomes another protocol is handed on, and its call is over', async () => {
    const { told, calls } = intercept([quickly()]);
    start(sent[0]!);
    sent[0]!.handler.onRequestUpgrade!(sent[0]!.controller, 101, {}, {});
    await microtasks();
    expect([told, calls.busy]).toEqual([['start', ['upgrade', 101]], 0]);
  });

  it('that fails by no fault of the network keeps its error, and is not sent again', async () => {
    const { told } = intercept([quickly()]);
    const bug = new RangeError('bug');
    fail(sent[0]!, bug);
    await microtasks();
    expect([sent.length, told]).toEqual([1, [bug]]);
  });

  it('that its policies end with something that is no Error tells its handler one, with that as cause', async () => {
    const policy = { kind: 'thrower', around: () => Promise.reject('no reason') };
    const { told } = intercept([policy]);
    await microtasks();
    expect(told).toMatchObject([{ message: 'no reason', cause: 'no reason' }]);
    expect(sent).toEqual([]);
  });

  it('keeps of the body of a failure what is text, and as much as it may', async () => {
    const failed = async (headers: object, text: string): Promise<unknown> => {
      const { told } = intercept([], get, { maxErrorBodyBytes: 5 });
      const sending = sent.at(-1)!;
      start(sending);
      respond(sending, 503, headers);
      sending.handler.onResponseData!(sending.controller, new TextEncoder().encode(text));
      if (text.length > 5) fail(sending, new Error('the rest of the body of a failure is not needed'));
      else end(sending);
      await microtasks();
      return told.at(-1);
    };
    expect(await failed({ 'content-type': 'text/plain' }, 'busy, come back')).toMatchObject({
      code: 'HTTP_503',
      body: 'busy,',
    });
    expect(await failed({}, 'busy')).toMatchObject({ body: 'busy' });
    expect(await failed({ 'content-type': 'image/png' }, 'busy')).toMatchObject({ body: undefined });
    expect(await failed({}, '')).toMatchObject({ body: undefined });
    expect(sent[0]!.controller.abort).toHaveBeenCalledTimes(1);
  });
});

describe('the controller of an intercepted request', () => {
  it('is that of the attempt under way', () => {
    const { controller } = intercept([]);
    start(sent[0]!);
    controller().pause();
    expect([controller().paused, sent[0]!.controller.paused]).toEqual([true, true]);
    controller().resume();
    const { aborted, paused, reason, rawHeaders, rawTrailers } = controller();
    expect([aborted, paused, reason, rawHeaders, rawTrailers]).toEqual([false, false, null, ['a'], ['b']]);
    const cause = new Error('by the platform');
    sent[0]!.controller.abort(cause);
    expect([controller().aborted, controller().reason]).toEqual([true, cause]);
  });

  it('ends the call when it aborts, once, and the attempt with it', async () => {
    const { controller, told, calls } = intercept([quickly()]);
    start(sent[0]!);
    const left = new Error('left');
    controller().abort(left);
    controller().abort(new Error('again'));
    await microtasks();
    expect([controller().aborted, controller().reason, told.at(-1), calls.busy]).toEqual([true, left, left, 0]);
    expect(sent[0]!.controller.abort).toHaveBeenCalledWith(left);
    // What the attempt says now comes too late.
    fail(sent[0]!, left);
    expect(told).toEqual(['start', left]);
  });

  it('of an attempt that gets its connection after its time was up is aborted as it comes', async () => {
    intercept([timeout({ timeoutMs: 100 })]);
    await clock.advance(100);
    start(sent[0]!);
    expect(sent[0]!.controller.abort).toHaveBeenCalledTimes(1);
  });

  it('is aborted with an Error, whatever the reason was', async () => {
    const ending = new AbortController();
    intercept([], get, { callOptions: () => ({ parent: undefined, deadlineMs: undefined }) });
    start(sent[0]!);
    const outer = pipeline({ clock });
    const calls = outer.execute(
      (context) =>
        new Promise(() => {
          const inner = resilientInterceptor(pipeline({ clock }), { callOptions: () => ({ parent: context }) });
          const dispatch: UndiciSend = (request, handler) => {
            sent.push({ request, handler, controller: controllerOf() });
            return true;
          };
          (inner(dispatch as never) as unknown as UndiciSend)(get, {});
        }),
      { signal: ending.signal },
    );
    start(sent[1]!);
    ending.abort('no reason');
    await expect(calls).rejects.toBe('no reason');
    expect(sent[1]!.controller.abort).toHaveBeenCalledWith(new Error('no reason'));
  });
});
