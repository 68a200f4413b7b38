import { ConfigurationError } from 'breakwater/errors';
import { createSyncFn } from 'synckit';
import type { ClientOptions } from '../client/options.ts';
import type { Device, DevicePage, DeviceSummary } from '../contract/device.ts';
import type { ListQuery } from '../contract/query.ts';
import { ClientClosed } from '../errors/errors.ts';
import { receivedError, type SyncAnswer, type SyncRequest, type SyncTarget } from './sync-protocol.ts';

/** Options of a {@link SyncDeviceCacheClient}: those of a client that are plain data. */
export type SyncClientOptions = Pick<
  ClientOptions,
  'socketTimeoutMs' | 'httpTimeoutMs' | 'totalTimeoutMs' | 'maxAttempts' | 'hedge' | 'headers' | 'keys'
>;

type Ask = (request: SyncRequest) => SyncAnswer;

let ask: Ask | undefined;
let clients = 0;

/** The worker is started by the first client, serves all of them, and doesn't keep the process alive. */
function worker(): Ask {
  const { url } = import.meta;
  // Next to this file, and of the same kind: compiled, or a source in a test.
  ask ??= createSyncFn<(request: SyncRequest) => Promise<SyncAnswer>>(
    new URL(`./sync-worker${url.slice(url.lastIndexOf('.'))}`, url),
  );
  return ask;
}

/**
 * A client for scripts that can't wait: every call blocks the thread until the answer is there, while a worker asks under the
 * same policies as a DeviceCacheClient. Not for servers. The errors are the same, without their causes.
 *
 * @throws ConfigurationError with all faults at once, from the constructor.
 */
export class SyncDeviceCacheClient {
  private readonly id: number = ++clients;
  private isClosed = false;

  constructor(target: SyncTarget, options: SyncClientOptions = {}) {
    const functions = [...Object.entries(target), ...Object.entries(options)].filter(isFunction);
    if (functions.length > 0) {
      throw new ConfigurationError(
        functions.map(([name]) => ({
          path: `syncDeviceCacheClient.${name}`,
          expected: 'plain data: functions do not pass between threads',
          received: 'a function',
        })),
      );
    }
    this.do({ client: this.id, method: 'open', parameters: [target, options] });
  }

  /** The device with its latest readings. @throws DeviceNotFound when there is none, and what `getDevice` rejects with. */
  getDevice(id: string): Device {
    return this.call('getDevice', [id]) as Device;
  }

  /** The one page that `limit` and `cursor` or `offset` say. @throws What `listDevices` rejects with. */
  listPage(query: ListQuery = {}): DevicePage {
    return this.call('listDevices', [query]) as DevicePage;
  }

  /** The devices that a query means, one after the other over all pages. */
  *listDevices(query: ListQuery = {}): Generator<DeviceSummary, void, undefined> {
    let page = this.listPage(query);
    yield* page.devices;
    while (page.nextCursor !== null) {
      page = this.listPage({ ...query, offset: undefined, cursor: page.nextCursor });
      yield* page.devices;
    }
  }

  /** Closes the worker's connections for this client. Harmless when that has been done. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.do({ client: this.id, method: 'close', parameters: [] });
  }

  private call(method: 'getDevice' | 'listDevices', parameters: readonly unknown[]): unknown {
    if (this.isClosed) throw new ClientClosed();
    return this.do({ client: this.id, method, parameters });
  }

  private do(request: SyncRequest): unknown {
    const answer = worker()(request);
    if (answer.ok) return answer.value;
    throw receivedError(answer.error);
  }
}

const isFunction = ([, value]: readonly [string, unknown]): boolean => typeof value === 'function';
