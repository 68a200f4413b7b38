/** A case that runs through the platform's fetch and through resilientFetch: what shows of it. */
import { expect, it } from 'vitest';
import { bulkhead } from '../../src/bulkhead/index.ts';
import { circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { resilientFetch } from '../../src/http/index.ts';
import { pipeline } from '../../src/pipeline/index.ts';
import type { Policy } from '../../src/policy/index.ts';
import { retry } from '../../src/retry/index.ts';
import { timeout } from '../../src/timeout/index.ts';
import type { TestServer } from './test-server.ts';

export type Fetch = typeof globalThis.fetch;

/** Calls `fetch`, and gives what shall be compared. */
export type Case = (fetch: Fetch, at: (path: string) => string) => Promise<unknown>;

/** Policies that let all pass. */
export const lenient = (): readonly Policy[] => [
  retry({ maxAttempts: 1 }),
  circuitBreaker({ minThroughput: 1_000 }),
  bulkhead({ maxConcurrent: 100 }),
  timeout({ timeoutMs: 60_000 }),
];

/** All that a response of this server shows, its body read by `read`. */
export async function shown(
  server: TestServer,
  response: Response,
  read = (whole: Response): Promise<unknown> => whole.text(),
): Promise<unknown> {
  const { status, statusText, ok, redirected, type, url, bodyUsed } = response;
  const headers = [...response.headers].filter(([name]) => name !== 'date');
  const hasBody = response.body !== null;
  const body = await read(response);
  const facts = { status, statusText, ok, redirected, type, url: url.replace(server.url, ''), bodyUsed, headers };
  return { ...facts, hasBody, body, usedAfter: response.bodyUsed, cookies: response.headers.getSetCookie() };
}

/** An error as a caller sees it. What the platform says of an abort without a reason differs within one version of Node. */
export function described(error: unknown): unknown {
  if (error instanceof DOMException && error.name === 'AbortError') return error.name;
  return error instanceof Error ? { name: error.name, message: error.message } : error;
}

/** What a step that may be refused comes to. */
export function refusal(step: () => unknown): Promise<unknown> {
  return Promise.resolve()
    .then(step)
    .then(() => 'taken', described);
}

/** One case through one fetch: what it came to. */
export async function outcomeOf(run: Case, fetch: Fetch, server: TestServer): Promise<unknown> {
  try {
    return { value: await run(fetch, (path) => server.url + path) };
  } catch (error) {
    return { error: described(error) };
  }
}

/** A test for each case and for each way that a response takes. */
export function compareWithFetch(cases: Readonly<Record<string, Case>>, server: TestServer): void {
  const ways = {
    '': {},
    ', with a limit on silence, which takes another way': { bodyTimeoutMs: 60_000, headersTimeoutMs: 60_000 },
  };
  for (const [name, run] of Object.entries(cases)) {
    for (const [way, options] of Object.entries(ways)) {
      it(`${name}${way}`, async () => {
        const call = pipeline(...lenient());
        const expected = await outcomeOf(run, globalThis.fetch, server);
        expect(await outcomeOf(run, resilientFetch(call, options), server)).toEqual(expected);
        expect(await call.close({ timeoutMs: 1_000 })).toBe(0);
      });
    }
  }
}
