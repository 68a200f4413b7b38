import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { requestIds } from './request-ids.ts';

const request = (id?: string): IncomingMessage =>
  ({ headers: id === undefined ? {} : { 'x-request-id': id } }) as IncomingMessage;

describe('the id of a request', () => {
  it('is the one that it has brought', () => {
    expect(requestIds()(request('abc_1.2-3'))).toBe('abc_1.2-3');
  });

  it.each(['', 'a b', 'a"b', 'ä', 'x'.repeat(129)])('is a new one where it has brought %j', (id) => {
    expect(requestIds()(request(id))).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it('is another one each time, in this process and in others', () => {
    const [names, others] = [requestIds(), requestIds()];
    const ids = Array.from({ length: 1_000 }, () => [names(request()), others(request())]).flat();
    expect(new Set(ids).size).toBe(2_000);
  });
});
