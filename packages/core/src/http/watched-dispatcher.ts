/**
 * What happens to a request of `fetch` between its call and the last byte of its response. Node's fetch sends through a
 * dispatcher that may be given to each request, and the handler of a request is told when it goes out on a connection,
 * with what ends it there, and when all of the response has come: that is the extension point this uses. The names are
 * those of undici 6 and 7 (`onConnect`, `onComplete`), and of undici 8 (`onRequestStart`, `onResponseEnd`).
 */

/** The part of a dispatcher that is needed. */
interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
  /** Tells `fetch` in which form a dispatcher for tests wants the body. */
  readonly isMockActive?: boolean;
}

type Abort = (reason?: Error) => void;

interface Handler {
  onConnect?: (this: Handler, abort: Abort, ...more: unknown[]) => unknown;
  onComplete?: (this: Handler, ...told: unknown[]) => unknown;
  onRequestStart?: (this: Handler, controller: { readonly abort: Abort }, ...more: unknown[]) => unknown;
  onResponseEnd?: (this: Handler, ...told: unknown[]) => unknown;
}

/** Is told about one request; after a redirect, about the one that follows it. */
export interface ExchangeWatcher {
  /** It looks for a connection. */
  connecting(): void;
  /** It has one. */
  connected(): void;
  /** All of its response has come. */
  arrived(): void;
}

/** Whether the platform's fetch tells what happens to its requests. */
export function canWatchExchanges(): boolean {
  return globalDispatcher(EARLIER, CURRENT) !== undefined;
}

/** What a request is sent through to be watched, and to be ended at any time. */
export class WatchedDispatcher implements Dispatcher {
  private readonly given: Dispatcher | undefined;
  private watcher: ExchangeWatcher | undefined;
  private latest: Handler | undefined = undefined;
  private abortLatest: Abort | undefined = undefined;
  private aborted = false;
  private reason: Error | undefined = undefined;

  /** @param given What sends in the end; undefined for the one that `fetch` would use. */
  private constructor(given: Dispatcher | undefined, watcher: ExchangeWatcher) {
    this.given = given;
    this.watcher = watcher;
  }

  /** Undefined where there is none that could send, or what was given is none. */
  static around(given: unknown, watcher: ExchangeWatcher): WatchedDispatcher | undefined {
    if (given === undefined) return canWatchExchanges() ? new WatchedDispatcher(undefined, watcher) : undefined;
    return isDispatcher(given) ? new WatchedDispatcher(given, watcher) : undefined;
  }

  get isMockActive(): boolean {
    return (this.given ?? globalDispatcher(EARLIER, CURRENT))?.isMockActive === true;
  }

  dispatch(options: object, handler: Handler): boolean {
    this.latest = handler;
    this.abortLatest = undefined;
    this.watcher?.connecting();
    // The handler is this request's own. Its methods are replaced, not the handler: undici tells kinds of handlers apart by
    // the methods that they have, and what stands in front of another object in its stead costs more than the telling.
    if (typeof handler.onRequestStart !== 'function') {
      this.watchEarlier(handler);
      return (this.given ?? globalDispatcher(EARLIER, CURRENT)!).dispatch(options, handler);
    }
    this.watchCurrent(handler);
    return (this.given ?? globalDispatcher(CURRENT, EARLIER)!).dispatch(options, handler);
  }

  /** Ends the request; one that looks for a connection, as soon as it has one. */
  abort(reason: unknown): void {
    this.aborted = true;
    // What is not an error, undici can't pass on.
    this.reason = reason instanceof Error ? reason : undefined;
    this.abortLatest?.(this.reason);
  }

  /** Tells nobody any more. */
  unwatch(): void {
    this.watcher = undefined;
  }

  private watchEarlier(handler: Handler): void {
    const { onConnect, onComplete } = handler;
    handler.onConnect = (abort, ...more) => {
      onConnect?.call(handler, abort, ...more);
      this.connected(handler, abort);
    };
    handler.onComplete = (...told) => {
      this.completed(handler);
      return onComplete?.apply(handler, told);
    };
  }

  private watchCurrent(handler: Handler): void {
    const { onRequestStart, onResponseEnd } = handler;
    handler.onRequestStart = (controller, ...more) => {
      onRequestStart?.call(handler, controller, ...more);
      this.connected(handler, (reason) => controller.abort(reason));
    };
    handler.onResponseEnd = (...told) => {
      this.completed(handler);
      return onResponseEnd?.apply(handler, told);
    };
  }

  private connected(handler: Handler, abort: Abort): void {
    if (this.aborted) return abort(this.reason);
    if (handler !== this.latest) return;
    this.abortLatest = abort;
    this.watcher?.connected();
  }

  /** What is left of a redirect when its successor is under way says nothing. */
  private completed(handler: Handler): void {
    if (handler === this.latest) this.watcher?.arrived();
  }
}

const EARLIER: unique symbol = Symbol.for('undici.globalDispatcher.1') as never;
const CURRENT: unique symbol = Symbol.for('undici.globalDispatcher.2') as never;

/** The one that `fetch` would use: versions of undici that share a process have one each, for their kind of handlers. */
function globalDispatcher(first: symbol, second: symbol): Dispatcher | undefined {
  // Node brings its dispatcher with the first of these names that somebody mentions.
  if (typeof Response !== 'function') return undefined;
  const known = globalThis as { readonly [name: symbol]: unknown };
  if (isDispatcher(known[first])) return known[first];
  return isDispatcher(known[second]) ? known[second] : undefined;
}

function isDispatcher(value: unknown): value is Dispatcher {
  return typeof (value as { readonly dispatch?: unknown } | undefined)?.dispatch === 'function';
}
