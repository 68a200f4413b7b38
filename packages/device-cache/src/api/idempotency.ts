/** Requests that are sent again with the same key are answered as the first time, without being done again. */
import { type Cache, createCache } from 'breakwater/cache';
import type { Clock } from 'breakwater/clock';
import { createHash } from 'node:crypto';
import { ApiError } from './problems.ts';

/** For how long an answer is remembered. */
const REMEMBERED_MS = 3_600_000;
const MOST_REMEMBERED = 10_000;
const KEY = /^[\x21-\x7e]{1,200}$/;

interface Remembered<Answer> {
  readonly fingerprint: string;
  readonly answer: Answer;
}

export class Idempotency<Answer> {
  /** What was answered, by client and key. */
  readonly answers: Cache<Remembered<Answer>>;

  constructor(clock: Clock) {
    this.answers = createCache<Remembered<Answer>>({
      namespace: 'idempotency',
      ttlMs: REMEMBERED_MS,
      jitterRatio: 0,
      maxEntries: MOST_REMEMBERED,
      clock,
    });
  }

  /** Runs `work` once for a client's key, however often and however closely together it is sent; a failure is not remembered. */
  async once(client: string, key: string | undefined, body: unknown, work: () => Promise<Answer>): Promise<Answer> {
    if (key === undefined) return work();
    if (!KEY.test(key)) {
      const message = '1 to 200 visible characters';
      throw new ApiError('INVALID_REQUEST', {
        message: `The idempotency key must be ${message}`,
        faults: [{ path: 'headers.idempotency-key', message }],
      });
    }
    const fingerprint = createHash('sha256').update(JSON.stringify(body)).digest('base64');
    const known = await this.answers.getOrLoad(`${client} ${key}`, async () => ({ fingerprint, answer: await work() }));
    if (known.fingerprint !== fingerprint) throw new ApiError('IDEMPOTENCY_CONFLICT');
    return known.answer;
  }

  async close(): Promise<void> {
    await this.answers.close();
  }
}
