import { hash } from 'node:crypto';
import type { RenderedRequest } from '../template/request-template.ts';

/**
 * The same for the same row of the same job, however often it is called and whenever the run is resumed; different for
 * every other row. Headers are left out: credentials are renewed, and must not be hashed into what is sent.
 */
export function idempotencyKey(jobId: string, position: number, request: RenderedRequest): string {
  return hash('sha256', `${jobId}\n${position}\n${request.method} ${request.url}\n${request.body ?? ''}`).slice(0, 32);
}
