import { seededRandom, VirtualClock } from 'breakwater/clock';
import { type ClientOptions, DeviceCacheClient, type DisposableClient } from '../index.ts';
import { MemoryService } from './memory-service.ts';

/** A client of a service in memory, in virtual time. */
export interface ClientUnderTest {
  readonly service: MemoryService;
  readonly clock: VirtualClock;
  readonly client: DisposableClient;
  /** How many requests of this kind were sent: `GET /v1/devices/a`. */
  readonly sent: (what: string) => number;
}

export const SERVICE_URL = 'http://devices.example';

/** A client with these options; its service is empty. */
export function clientUnderTest(options: ClientOptions = {}): ClientUnderTest {
  const service = new MemoryService();
  const clock = new VirtualClock();
  const settings = { fetch: service.fetch, clock, random: seededRandom(7), ...options };
  return {
    service,
    clock,
    client: new DeviceCacheClient({ url: SERVICE_URL, token: 'secret-token' }, settings),
    sent: (what) => service.requests.filter(({ method, path }) => `${method} ${path}` === what).length,
  };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was fulfilled');
}
