import { describe, expect, it, vi } from 'vitest';
import { pipeline } from '../pipeline/index.ts';
import { resilientFetch } from './index.ts';
import { type ExchangeWatcher, WatchedDispatcher } from './watched-dispatcher.ts';

describe('what happens to a request where it is sent', () => {
  type Told = (...told: unknown[]) => unknown;

  /** A dispatcher that only keeps what it was given. */
  class KeepingDispatcher {
    readonly isMockActive = true;
    readonly handlers: Record<string, Told>[] = [];
    dispatch(_options: object, handler: object): boolean {
      this.handlers.push(handler as Record<string, Told>);
      return true;
    }
  }

  const setUp = () => {
    const told: unknown[] = [];
    const watcher: ExchangeWatcher = {
      connecting: () => void told.push('connecting'),
      connected: () => void told.push('connected'),
      arrived: () => void told.push('arrived'),
    };
    const dispatcher = new KeepingDispatcher();
    const watched = WatchedDispatcher.around(dispatcher, watcher)!;
    /** What undici 6 and 7, or undici 8, tell the handler that fetch made, to be called here as the connection would. */
    const send = (...names: readonly [begin: string, end: string]) => {
      const own = names.map((name) => [name, (...parameters: unknown[]) => void told.push([name, ...parameters])]);
      watched.dispatch({}, Object.fromEntries(own) as object);
      const [begin, end] = names.map((name) => dispatcher.handlers.at(-1)![name]!);
      return { begin: begin!, end: end! };
    };
    return { told, watched, send };
  };

  it.each([
    ['onConnect', 'onComplete', (abort: Told) => abort],
    ['onRequestStart', 'onResponseEnd', (abort: Told) => ({ abort })],
  ] as const)('is told by %s and %s, which are called as they would be', (begins, ends, controlOf) => {
    const { told, watched, send } = setUp();
    const request = send(begins, ends);
    const control = controlOf((reason) => told.push(['aborted', reason]));
    request.begin(control, 'context');
    request.end('trailers');
    expect(told).toEqual(['connecting', [begins, control, 'context'], 'connected', 'arrived', [ends, 'trailers']]);
    const late = new Error('enough');
    watched.abort(late);
    expect(told.at(-1)).toEqual(['aborted', late]);
  });

  it('is told of the request that follows a redirect, and no longer of the one before', () => {
    const { told, send } = setUp();
    const first = send('onConnect', 'onComplete');
    first.begin(() => undefined);
    const second = send('onConnect', 'onComplete');
    told.length = 0;
    first.end();
    expect(told).toEqual([['onComplete']]);
    second.begin(() => undefined);
    second.end();
    expect(told).toEqual([['onComplete'], ['onConnect', expect.any(Function)], 'connected', 'arrived', ['onComplete']]);
  });

  it('ends where it has its connection when it was ended before; what is no error is not passed on', () => {
    const { told, watched, send } = setUp();
    const { begin } = send('onConnect', 'onComplete');
    watched.abort('no error');
    told.length = 0;
    begin((reason: unknown) => told.push(['aborted', reason]));
    expect(told).toEqual([
      ['onConnect', expect.any(Function)],
      ['aborted', undefined],
    ]);
  });

  it('is told to nobody once nobody watches, and the body has the form that a dispatcher for tests wants', () => {
    const { told, watched, send } = setUp();
    watched.unwatch();
    const { begin, end } = send('onConnect', 'onComplete');
    begin(() => undefined);
    end();
    expect(told).toEqual([['onConnect', expect.any(Function)], ['onComplete']]);
    expect(watched.isMockActive).toBe(true);
  });

  it('can not be told where fetch has no dispatcher: a limit on it is refused, or is left to a fetch of your own', async () => {
    expect(WatchedDispatcher.around({ dispatch: 'no function' }, {} as ExchangeWatcher)).toBeUndefined();
    vi.stubGlobal('Response', undefined);
    try {
      expect(() => resilientFetch(pipeline(), { connectTimeoutMs: 100 })).toThrow(/resilientFetch.connectTimeoutMs/);
      expect(WatchedDispatcher.around(undefined, {} as ExchangeWatcher)).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
