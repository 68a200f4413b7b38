import { afterEach } from 'vitest';
import { circuitBreaker, type CircuitBreaker } from '../../../circuit-breaker/circuit-breaker.ts';
import { consecutive } from '../../../circuit-breaker/trip-rules.ts';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import type { Policy } from '../../../policy/policy.ts';
import { pipelineRegistry } from '../../../registry/index.ts';
import type { StatusPageOptions } from '../options.ts';
import { type StatusPage, statusPage } from '../status-page.ts';

export const TOKEN = 'a-token-of-length-24-xyz';
export const never = (): Promise<never> => new Promise(() => undefined);
export const down = (): never => {
  throw new Error('down');
};

/** Pages whose test is not over. */
let open: StatusPage[] = [];
afterEach(() => {
  for (const page of open) page.close();
  open = [];
});

/** Closes a page when its test is over. */
export function closedAfterwards(page: StatusPage): void {
  open.push(page);
}

/** A page of a registry in virtual time, with what asks it and commands it. */
export function watched(
  configuration: object,
  options: StatusPageOptions = {},
  policies: Record<string, Policy> = {},
  clock: VirtualClock = new VirtualClock(),
) {
  const registry = pipelineRegistry(configuration, { clock, policies });
  const page = statusPage(registry, { clock, ...options });
  closedAfterwards(page);
  const ask = (query = '', init?: RequestInit): Promise<Response> =>
    page.fetch(new Request(`http://host/status${query}`, init));
  const command = async (body: unknown, token = TOKEN): Promise<[number, string]> => {
    const response = await ask('', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return [response.status, ((await response.json()) as { message: string }).message];
  };
  return { clock, registry, page, ask, command };
}

/** The configuration of a pipeline whose breaker the test has. */
export const stock = {
  pipelines: { stock: { policies: [{ use: 'breaker' }, { bulkhead: { maxConcurrent: 2, maxQueue: 4 } }] } },
};
export const withBreaker = (
  options: StatusPageOptions = {},
): ReturnType<typeof watched> & { readonly breaker: CircuitBreaker } => {
  const breaker = circuitBreaker({ trip: consecutive(2), name: 'stock-breaker' });
  return { ...watched(stock, options, { breaker }), breaker };
};
