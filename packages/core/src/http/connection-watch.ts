/**
 * When a request of `fetch` has its connection. Node's fetch, and that of undici, send through a dispatcher that may be
 * given to each request, and its handler is told when the request goes out on a connection: that is the extension point
 * this uses. The names are those of undici 6 and 7 (`onConnect`) and of undici 8 (`onRequestStart`).
 */

/** The part of a dispatcher that is needed. */
interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
}

interface DispatchHandler {
  onConnect?(this: DispatchHandler, ...parameters: unknown[]): unknown;
  onRequestStart?(this: DispatchHandler, ...parameters: unknown[]): unknown;
}

/** Is told about one request. */
export interface ConnectionWatcher {
  /** It looks for a connection. */
  connecting(): void;
  /** It has one. */
  connected(): void;
}

/** Whether the platform's fetch tells when a request has its connection. */
export function canWatchConnections(): boolean {
  return globalDispatcher() !== undefined;
}

/**
 * A dispatcher that tells `watcher`, and leaves all else to `given` or to the one that `fetch` would use; undefined where
 * there is none.
 */
export function watchingDispatcher(given: unknown, watcher: ConnectionWatcher): Dispatcher | undefined {
  const dispatcher = isDispatcher(given) ? given : globalDispatcher();
  if (dispatcher === undefined) return undefined;
  return {
    dispatch: (options, handler) => {
      watcher.connecting();
      return dispatcher.dispatch(options, watchingHandler(handler, watcher));
    },
  };
}

/** The handler itself but for one method: undici tells kinds of handlers apart by the methods that they have. */
function watchingHandler(handler: DispatchHandler, watcher: ConnectionWatcher): object {
  const name = typeof handler.onRequestStart === 'function' ? 'onRequestStart' : 'onConnect';
  const platform = handler[name];
  return Object.create(handler, {
    [name]: {
      value(this: DispatchHandler, ...parameters: unknown[]): unknown {
        watcher.connected();
        return platform?.apply(this, parameters);
      },
    },
  }) as object;
}

function globalDispatcher(): Dispatcher | undefined {
  // Node brings its dispatcher with the first of these names that somebody mentions.
  if (typeof Response !== 'function') return undefined;
  const { [CURRENT]: current, [EARLIER]: earlier } = globalThis as { readonly [name: symbol]: unknown };
  return [earlier, current].find(isDispatcher);
}

const EARLIER: unique symbol = Symbol.for('undici.globalDispatcher.1') as never;
const CURRENT: unique symbol = Symbol.for('undici.globalDispatcher.2') as never;

function isDispatcher(value: unknown): value is Dispatcher {
  return typeof (value as { readonly dispatch?: unknown } | undefined)?.dispatch === 'function';
}
