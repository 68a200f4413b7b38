import { describe, expect, it } from 'vitest';
import { CredentialsWatch } from './credentials-watch.ts';
import type { RunIdentity } from '../journal/run-identity.ts';
import { idempotencyKeys } from './idempotency-key.ts';
import { recentCalls } from './recent-calls.ts';
import { RunStop } from './run-stop.ts';

describe('refused credentials', () => {
  it('stop the run when the first twenty rows are all refused', () => {
    const watch = new CredentialsWatch();
    const stops = Array.from({ length: 25 }, (_, row) => watch.settled(row % 2 === 0 ? 401 : 403));
    expect(stops.indexOf(true)).toBe(19);
    expect(stops.filter(Boolean).length).toBe(1);
  });

  it('stop nothing once another answer has come; rows that were not called say nothing', () => {
    const watch = new CredentialsWatch();
    expect(
      [undefined, 401, 200, ...Array.from({ length: 30 }, () => 401)].some((status) => watch.settled(status)),
    ).toBe(false);
  });
});

describe('the breaker of a run', () => {
  const record = (outcomes: string): number => {
    const windows = recentCalls(0.5, 10).map((rule) => rule.createWindow());
    return outcomes
      .split('')
      .findIndex(
        (outcome) => windows.filter((window) => window.record(outcome === 'x', 0, 0) !== undefined).length > 0,
      );
  };

  it('opens when so many calls in a row fail that no single row can have caused it', () => {
    expect(record('.'.repeat(100) + 'x'.repeat(20))).toBe(109);
  });

  it('opens when half of the last fifty have failed, and not before twenty are known', () => {
    expect(record('x.'.repeat(30))).toBe(20);
    expect(record('.'.repeat(1000) + 'xxx.'.repeat(30))).toBe(1000 + 33 - 1);
  });

  it('stays closed for an upstream that fails one call in five', () => {
    expect(record('x....'.repeat(1000))).toBe(-1);
  });
});

describe('idempotency keys', () => {
  const request = { method: 'POST', url: 'http://host/', headers: { authorization: 'a' }, body: '{}' };
  const job = (sha256: string, options: RunIdentity['options'], bytes?: number): RunIdentity => ({
    version: 1,
    input: { name: 'words.csv', sha256, ...(bytes === undefined ? {} : { bytes }) },
    options: { method: 'POST', url: 'http://host/', body: '{}', ...options },
  });

  it('stay the same when a row is called again, also with renewed credentials, another name or another range', () => {
    for (const bytes of [10, undefined]) {
      const identity = job('a', {}, bytes);
      const renewed = { ...request, headers: { authorization: 'b' } };
      const moved = { ...job('a', { offset: 5, limit: 3 }, bytes), name: 'elsewhere.csv' };
      expect(idempotencyKeys(identity)(1, request)).toBe(idempotencyKeys(moved)(1, renewed));
    }
  });

  it('do not collide: not between rows with one content, jobs, or requests', () => {
    const keys = new Set<string>();
    for (const bytes of [10, undefined]) {
      for (const sha256 of ['a', 'b']) {
        const key = idempotencyKeys(job(sha256, {}, bytes));
        for (let position = 1; position <= 1000; position += 1) keys.add(key(position, request));
      }
      keys.add(idempotencyKeys(job('a', { url: 'http://host/x' }, bytes))(1, request));
    }
    expect(keys.size).toBe(4002);
  });

  it('of a pipe differ when a later row differs, although the pipes begin alike', () => {
    const key = idempotencyKeys(job('a', {}));
    expect(key(2, request)).not.toBe(key(2, { ...request, body: '{"other":1}' }));
  });
});

it('the first reason for a stop counts', () => {
  const stop = new RunStop();
  const told: string[] = [];
  stop.onRequest((reason) => told.push(reason));
  stop.request('interrupted', 'first');
  stop.request('too-many-failures', 'second');
  stop.fail(new Error('third'));
  expect([stop.ending, stop.fault, told]).toEqual(['interrupted', undefined, ['first']]);
});
