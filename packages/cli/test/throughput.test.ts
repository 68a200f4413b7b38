import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { runJson, temporaryFolder, words } from './programs.ts';

const rows = 20_000;
const concurrency = 20;
const rounds = 3;

const folder = temporaryFolder();
afterAll(() => folder.remove());

it('gives at least half of the rows per second of a bare loop over the same HTTP client', async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{"card":"ok"}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cards`;
  const input = folder.path('words.csv');
  writeFileSync(input, words(rows));
  const bareLoop = folder.path('bare-loop.mjs');
  writeFileSync(bareLoop, bare);
  try {
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const barePerSecond = await new Promise<number>((resolve) => {
        fork(bareLoop, [url, String(rows), String(concurrency)]).on('message', (message) => resolve(Number(message)));
      });
      const args = [
        input,
        '--url',
        url,
        '--body',
        '{"word":"{{term}}"}',
        '-c',
        String(concurrency),
        '--out',
        folder.path('out.jsonl'),
        '--fresh',
      ];
      const { summary } = await runJson(args);
      expect(summary.answered).toBe(rows);
      ratios.push(summary.rowsPerSecond / barePerSecond);
    }
    // The aim is 0.8. What a machine does beside this test slows down one side or the other, so the middle round counts.
    console.log(`rows per second as ratio to the bare loop: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`);
    expect(ratios.toSorted((a, b) => a - b)[1]).toBeGreaterThanOrEqual(0.5);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 300_000);

const bare = `
const [url, rows, concurrency] = process.argv.slice(2);
const startedAt = performance.now();
let next = 0;
const worker = async () => {
  while (next < Number(rows)) {
    const body = JSON.stringify({ word: '단어' + (next += 1) });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await response.json();
  }
};
await Promise.all(Array.from({ length: Number(concurrency) }, worker));
process.send(Number(rows) / ((performance.now() - startedAt) / 1000), () => process.exit());
`;
