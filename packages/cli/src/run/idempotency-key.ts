import { hash } from 'node:crypto';
import type { RunIdentity } from '../journal/run-identity.ts';
import type { RenderedRequest } from '../template/request-template.ts';

/**
 * The key of a row: the same however often the row is called and whenever the run is resumed, different for every other
 * row, job and content. Headers have no part in it: credentials are renewed, and must not be hashed into what is sent.
 */
export function idempotencyKeys({
  input,
  options,
}: RunIdentity): (position: number, request: RenderedRequest) => string {
  const { url, method, body, delimiter, format, quote } = options;
  const job = hash('sha256', JSON.stringify([input.sha256, url, method, body, delimiter, format, quote])).slice(0, 32);
  // The hash of a file stands for all of its rows. Of a pipe only the first row is known beforehand.
  if (input.bytes !== undefined) return (position) => `${job}-${position}`;
  return (position, request) =>
    hash('sha256', `${job}\n${position}\n${request.method} ${request.url}\n${request.body ?? ''}`).slice(0, 32);
}
