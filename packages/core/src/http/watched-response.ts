/**
 * A response whose methods are watched.
 *
 * To put a stream of ours into a Response of ours costs more than all the rest of a call. On Node nothing but its own
 * methods leads to a response's body, so there the platform's response is handed out itself, with our methods before the
 * platform's. Elsewhere a platform reads responses from inside, as a server does that answers with one, or a service
 * worker; no method would tell of that.
 */

/** The ways to read a body whole that a platform may have. */
export type WholeReading = 'arrayBuffer' | 'blob' | 'bytes' | 'text';

/** Who watches the reading of one body. */
export interface BodyWatcher {
  /** The body is to be read whole, by the platform's method of that name. */
  readWhole(method: WholeReading, platform: () => Promise<unknown>): Promise<unknown>;
  /** The response that stands for the watched one where its stream itself is wanted; undefined when it has been read. */
  substitute(): Response | undefined;
  /** The same, where there is one already. */
  readonly substituted: Response | undefined;
}

const WATCHER: unique symbol = Symbol('breakwater.bodyWatcher');

/** Without a watcher it is the platform's own response again. */
type Watched = Response & { [WATCHER]: BodyWatcher | undefined };

/**
 * Lets `watcher` stand between this response and whoever reads it: the same object, of the same class. False where it
 * would not see all that happens to the response, which is then as it was.
 */
export function watchResponse(response: Response, watcher: BodyWatcher): boolean {
  const platform = Object.getPrototypeOf(response) as Response;
  if (platform !== known.platform) known = watching(platform);
  const { prototype } = known;
  if (prototype === undefined || !Object.isExtensible(response)) return false;
  // In this order: behind another prototype V8 of Node 20 makes a shape of its own for each response.
  (response as Watched)[WATCHER] = watcher;
  Object.setPrototypeOf(response, prototype);
  return true;
}

/** Lets go of the watcher of a response that has been read. */
export function unwatch(response: Response): void {
  (response as Watched)[WATCHER] = undefined;
}

/** A class of responses, and what stands before its methods; undefined where they can't be watched. */
interface WatchedClass {
  readonly platform: Response | undefined;
  readonly prototype: object | undefined;
}

/** Those of the class that came last: hardly any program has two. */
let known: WatchedClass = { platform: undefined, prototype: undefined };

/** One for each class of responses: the platform's, and that of whatever else is used as `fetch`. */
const classes: WeakMap<Response, WatchedClass> = new WeakMap();

function watching(platform: Response): WatchedClass {
  let watched = classes.get(platform);
  if (watched === undefined) {
    watched = { platform, prototype: isWatchable(platform) ? watchingPrototype(platform) : undefined };
    classes.set(platform, watched);
  }
  return watched;
}

/** Node's Response is written in JavaScript and shows itself to Node's `inspect`; Deno's does too, to say what it is. */
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

function isWatchable(platform: Response): boolean {
  // One that is watched already belongs to another call.
  if (WATCHED in platform) return false;
  return INSPECT in platform && !('Deno' in globalThis) && !('Bun' in globalThis);
}

/** What a prototype of ours is known by. */
const WATCHED: unique symbol = Symbol('breakwater.watchedResponse');

function watchingPrototype(platform: Response): object {
  // Read through the watched object itself: accessors of the platform need their own kind as `this`.
  const platformBody = (response: Response): Response['body'] => Reflect.get(platform, 'body', response);
  const platformBodyUsed = (response: Response): boolean => Reflect.get(platform, 'bodyUsed', response);
  const members: PropertyDescriptorMap & { [WATCHED]: PropertyDescriptor } = {
    [WATCHED]: { value: true },
    json: method(async function json(this: Watched) {
      return JSON.parse(await this.text()) as unknown;
    }),
    formData: method(function formData(this: Watched) {
      return this[WATCHER]?.substitute()?.formData() ?? platform.formData.call(this);
    }),
    clone: method(function clone(this: Watched) {
      return this[WATCHER]?.substitute()?.clone() ?? platform.clone.call(this);
    }),
    body: getter(function body(this: Watched) {
      const substitute = this[WATCHER]?.substitute();
      return substitute === undefined ? platformBody(this) : substitute.body;
    }),
    bodyUsed: getter(function bodyUsed(this: Watched) {
      return this[WATCHER]?.substituted?.bodyUsed ?? platformBodyUsed(this);
    }),
  };
  for (const name of ['arrayBuffer', 'blob', 'bytes', 'text'] as const) {
    if (!(name in platform)) continue;
    const read = platform[name] as (this: Response) => Promise<unknown>;
    members[name] = method(function readWhole(this: Watched) {
      const watcher = this[WATCHER];
      return watcher === undefined ? read.call(this) : watcher.readWhole(name, () => read.call(this));
    });
  }
  return Object.create(platform, members) as object;
}

function method(value: (this: Watched) => unknown): PropertyDescriptor {
  return { value, writable: true, configurable: true, enumerable: true };
}

function getter(get: (this: Watched) => unknown): PropertyDescriptor {
  return { get, configurable: true, enumerable: true };
}
