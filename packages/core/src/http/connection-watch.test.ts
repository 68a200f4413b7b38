import { describe, expect, it, vi } from 'vitest';
import { pipeline } from '../pipeline/index.ts';
import { type ConnectionWatcher, watchingDispatcher } from './connection-watch.ts';
import { resilientFetch } from './index.ts';

describe('when a request has its connection', () => {
  /** A dispatcher that calls the handler's method of this name. */
  const dispatcherOf = (name: 'onConnect' | 'onRequestStart') => ({
    dispatch: (_options: object, handler: Record<string, (...parameters: unknown[]) => unknown>) => {
      handler[name]!('a', 'b');
      return true;
    },
  });

  it.each(['onConnect', 'onRequestStart'] as const)('is told by %s, which is called as it would be', (name) => {
    const told: unknown[] = [];
    const watcher: ConnectionWatcher = {
      connecting: () => void told.push('connecting'),
      connected: () => void told.push('connected'),
    };
    const handler = { [name]: (...parameters: unknown[]) => void told.push(parameters) };
    expect(watchingDispatcher(dispatcherOf(name), watcher)!.dispatch({}, handler)).toBe(true);
    expect(told).toEqual(['connecting', 'connected', ['a', 'b']]);
  });

  it('can not be told where fetch has no dispatcher: a limit on it is refused, or is left to a fetch of your own', async () => {
    vi.stubGlobal('Response', undefined);
    try {
      expect(() => resilientFetch(pipeline(), { connectTimeoutMs: 100 })).toThrow(/resilientFetch.connectTimeoutMs/);
      expect(watchingDispatcher(undefined, {} as ConnectionWatcher)).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
