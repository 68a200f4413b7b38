import { request as httpRequest } from 'node:http';
import type { RandomRequest } from './openapi-requests.ts';

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Sends a request as it is: nothing of its address is put right before. */
export function sendRaw(url: string, method: string, { path, body, headers }: RandomRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const asked = httpRequest({ hostname, port, path, method, headers }, (response) => {
      const type = response.headers['content-type'] ?? '';
      const finish = (text: string): void => resolve({ status: response.statusCode ?? 0, type, text });
      // A stream never ends by itself: that it began is enough.
      if (type.startsWith('text/event-stream')) {
        finish('');
        response.destroy();
        return;
      }
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => finish(text));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
