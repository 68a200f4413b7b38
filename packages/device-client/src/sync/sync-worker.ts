/** The worker of `@breakwater/device-client/sync`: it holds the clients, and does one thing for each message. */
import { runAsWorker } from 'synckit';
import type { DisposableClient } from '../client/client-contract.ts';
import { DeviceCacheClient } from '../client/device-cache-client.ts';
import { ClientClosed } from '../errors/errors.ts';
import { sentError, type SyncAnswer, type SyncRequest } from './sync-protocol.ts';

const clients: Map<number, DisposableClient> = new Map();

async function done(request: SyncRequest): Promise<unknown> {
  if (request.method === 'open') {
    clients.set(request.client, new DeviceCacheClient(...request.parameters));
    return undefined;
  }
  const client = clients.get(request.client);
  if (client === undefined) throw new ClientClosed();
  if (request.method === 'close') {
    clients.delete(request.client);
    return client.close();
  }
  const parameters = request.parameters as readonly never[];
  if (request.method === 'getDevice') return client.getDevice(...(parameters as unknown as [string]));
  return client.listDevices(...parameters).page();
}

runAsWorker(async (request: SyncRequest): Promise<SyncAnswer> => {
  try {
    return { ok: true, value: await done(request) };
  } catch (error) {
    return { ok: false, error: sentError(error) };
  }
});
