import {
  type BatchResult,
  batchResultSchema,
  type Device,
  type DeviceEntry,
  type DeviceInput,
  type DevicePage,
  devicePageSchema,
  deviceSchema,
  type DeviceSummary,
  putManyResultSchema,
  readingListSchema,
} from '../contract/device.ts';
import { devicePath, paths } from '../contract/paths.ts';
import { problemCodes } from '../contract/problem.ts';
import type { ListQuery, ReadingsQuery, StreamQuery } from '../contract/query.ts';
import type { Reading } from '../contract/reading.ts';
import { type CacheInfo, cacheInfoSchema, type HealthStatus, healthStatusSchema } from '../contract/state.ts';
import { InvalidRequest } from '../errors/errors.ts';
import { conforming } from '../transport/conforming.ts';
import type { DeviceTransport, StreamEvent } from '../transport/transport.ts';
import { httpChanges } from './http-changes.ts';
import { HttpRequests, type HttpSettings } from './http-requests.ts';

/** The way to the service over HTTP. */
export class HttpTransport implements DeviceTransport {
  readonly kind = 'http';
  private readonly settings: HttpSettings;
  private readonly requests: HttpRequests;

  constructor(settings: HttpSettings) {
    this.settings = settings;
    this.requests = new HttpRequests(settings);
  }

  getDevice(id: string, signal: AbortSignal): Promise<Device | undefined> {
    return unlessMissing(async () => {
      const { value } = await this.requests.send({ method: 'GET', path: devicePath(paths.device, id), signal });
      return conforming(deviceSchema, value, `GET ${paths.device}`);
    });
  }

  async getDevices(ids: readonly string[], signal: AbortSignal): Promise<BatchResult> {
    const { value } = await this.requests.send({ method: 'POST', path: paths.batch, body: { ids }, signal });
    return conforming(batchResultSchema, value, `POST ${paths.batch}`);
  }

  async listPage(query: ListQuery, signal: AbortSignal): Promise<DevicePage> {
    const { value } = await this.requests.send({ method: 'GET', path: paths.devices, query, signal });
    return conforming(devicePageSchema, value, `GET ${paths.devices}`);
  }

  getReadings(id: string, query: ReadingsQuery, signal: AbortSignal): Promise<readonly Reading[] | undefined> {
    return unlessMissing(async () => {
      const path = devicePath(paths.deviceReadings, id);
      const { value } = await this.requests.send({ method: 'GET', path, query, signal });
      return conforming(readingListSchema, value, `GET ${paths.deviceReadings}`).readings;
    });
  }

  async putDevice(id: string, { metadata }: DeviceInput, signal: AbortSignal): Promise<Device> {
    const path = devicePath(paths.device, id);
    const { value } = await this.requests.send({ method: 'PUT', path, body: { metadata }, signal });
    return conforming(deviceSchema, value, `PUT ${paths.device}`);
  }

  async putDevices(devices: readonly DeviceEntry[], signal: AbortSignal): Promise<readonly DeviceSummary[]> {
    const { value } = await this.requests.send({ method: 'PUT', path: paths.devices, body: { devices }, signal });
    return conforming(putManyResultSchema, value, `PUT ${paths.devices}`).devices;
  }

  async deleteDevice(id: string, signal: AbortSignal): Promise<boolean> {
    const deleted = await unlessMissing(async () => {
      await this.requests.send({ method: 'DELETE', path: devicePath(paths.device, id), signal });
      return true;
    });
    return deleted ?? false;
  }

  async cacheInfo(signal: AbortSignal): Promise<CacheInfo> {
    const { value } = await this.requests.send({ method: 'GET', path: paths.cacheInfo, signal });
    return conforming(cacheInfoSchema, value, `GET ${paths.cacheInfo}`);
  }

  async health(signal: AbortSignal): Promise<HealthStatus> {
    const { value } = await this.requests.send({ method: 'GET', path: paths.health, signal }, [503]);
    return conforming(healthStatusSchema, value, `GET ${paths.health}`);
  }

  changes(query: StreamQuery, signal: AbortSignal): AsyncIterable<StreamEvent> {
    return httpChanges(this.requests, query, this.settings.clock, signal);
  }

  /** Connections are those of the platform's fetch, or of the one that was given. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Undefined where the service knows no such device; another 404 stays what it is. */
async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const isMissing = error instanceof InvalidRequest && error.code === missingDevice;
    if (isMissing) return undefined;
    throw error;
  }
}

const missingDevice: keyof typeof problemCodes = 'DEVICE_NOT_FOUND';
