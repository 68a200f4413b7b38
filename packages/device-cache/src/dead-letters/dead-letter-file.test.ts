import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deadLetterFile } from './dead-letter-file.ts';
import type { DeadLetter } from './dead-letters.ts';

describe('the file of dead letters', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dead-letters-'));
    path = join(folder, 'deep', 'iot_errors.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const letter = (position: number, more: Partial<DeadLetter> = {}): DeadLetter => ({
    source: 'file:seed',
    partition: 0,
    position,
    reason: 'not valid UTF-8',
    at: '2026-01-01T00:00:00.000Z',
    bytes: Uint8Array.of(0xff, 0, 10, position),
    ...more,
  });
  const lines = (): Record<string, unknown>[] =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('holds reason, position and the bytes as they were', async () => {
    const file = await deadLetterFile(path);
    await file.bury([letter(3)]);
    await file.close();
    const [line] = lines();
    expect(line).toMatchObject({ source: 'file:seed', partition: 0, position: 3, reason: 'not valid UTF-8' });
    expect(Buffer.from(String(line!['bytes']), 'base64')).toEqual(Buffer.from([0xff, 0, 10, 3]));
  });

  it('takes a letter once, also after it was opened again', async () => {
    const first = await deadLetterFile(path);
    await first.bury([letter(1), letter(2)]);
    await first.bury([letter(2)]);
    await first.close();
    const second = await deadLetterFile(path);
    await second.bury([letter(1), letter(2), letter(3), letter(1, { partition: 1 })]);
    expect(second.buried).toBe(2);
    await second.close();
    expect(lines().map(({ partition, position }) => [partition, position])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 1],
    ]);
  });

  it('takes every letter that came by HTTP: its place in a request is no position', async () => {
    const file = await deadLetterFile(path);
    await file.bury([letter(0, { source: 'http', partition: null })]);
    await file.bury([letter(0, { source: 'http', partition: null })]);
    await file.close();
    expect(lines()).toHaveLength(2);
  });

  it('cuts off half a line that a crash has left, and nothing else', async () => {
    const first = await deadLetterFile(path);
    await first.bury([letter(1)]);
    await first.close();
    appendFileSync(path, '{"source":"file:seed","partition":0,"posi');
    const second = await deadLetterFile(path);
    await second.bury([letter(2)]);
    await second.close();
    expect(lines().map(({ position }) => position)).toEqual([1, 2]);
  });

  it('does not mix lines that are buried at once', async () => {
    const file = await deadLetterFile(path);
    await Promise.all(Array.from({ length: 50 }, (_, at) => file.bury([letter(at)])));
    await file.close();
    expect(lines().map(({ position }) => position)).toEqual(Array.from({ length: 50 }, (_, at) => at));
  });
});
