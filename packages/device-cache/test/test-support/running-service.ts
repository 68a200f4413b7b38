/** The service in the test's own process, on a store in memory and a free port. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfiguration } from '../../src/config/load-configuration.ts';
import { DeviceCache } from '../../src/service/device-cache.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly text: string;
}

export class RunningService {
  readonly service: DeviceCache;
  readonly url: string;
  private readonly folder: string;

  private constructor(service: DeviceCache, folder: string) {
    this.service = service;
    this.folder = folder;
    this.url = service.url;
  }

  /** @param settings As in a file, by groups; what tests share stands already. */
  static async start(settings: Readonly<Record<string, object>> = {}): Promise<RunningService> {
    const folder = mkdtempSync(join(tmpdir(), 'device-cache-'));
    const { configuration } = loadConfiguration({
      file: {
        ...settings,
        api: { port: 0, ...settings['api'] },
        store: { path: ':memory:', ...settings['store'] },
        messages: { deadLetterFile: join(folder, 'dead-letters.jsonl'), ...settings['messages'] },
      },
    });
    return new RunningService(await DeviceCache.start(configuration, pino({ level: 'silent' })), folder);
  }

  async ask(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    const { json, headers = {}, raw } = options;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(json === undefined && raw === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(raw === undefined ? {} : { body: raw }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  async stop(): Promise<void> {
    await this.service.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface AskOptions {
  readonly json?: unknown;
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}
