import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { systemClock } from 'breakwater/clock';
import { afterAll, expect, it } from 'vitest';
import { runJson, temporaryFolder, words } from './programs.ts';

const rows = 20_000;
const concurrency = 20;
/** The aim is 0.8, and `npm run verify` holds it; a machine that others share may take a part of it away. */
const isLong = process.env['BREAKWATER_LONG'] === '1';
const leastRatio = isLong ? 0.8 : 0.7;
/** The best of few rounds is a matter of luck, on both sides. */
const rounds = isLong ? 10 : 4;

const folder = temporaryFolder();
afterAll(() => folder.remove());

it(`makes at least ${leastRatio} of the requests per second of a bare loop over the same HTTP client`, async () => {
  const upstream = await countingUpstream();
  const input = folder.path('words.csv');
  writeFileSync(input, words(rows));
  const bareLoop = folder.path('bare-loop.mjs');
  writeFileSync(bareLoop, bare);
  const out = folder.path('out.jsonl');
  const request = ['--url', upstream.url, '--body', '{"word":"{{term}}"}', '-c', String(concurrency)];
  try {
    const bareRates: number[] = [];
    const ourRates: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await once(fork(bareLoop, [upstream.url, String(rows), String(concurrency)]), 'exit');
      bareRates.push(upstream.takeRate());
      const { summary } = await runJson([input, ...request, '--out', out, '--fresh']);
      expect(summary.answered).toBe(rows);
      ourRates.push(upstream.takeRate());
    }
    console.log(`requests per second: bare loop ${shown(bareRates)}; breakwater run ${shown(ourRates)}`);
    // Disturbances only ever slow a round down: the best round of each tells what it can do.
    expect(Math.max(...ourRates) / Math.max(...bareRates)).toBeGreaterThanOrEqual(leastRatio);
  } finally {
    upstream.close();
  }
}, 300_000);

const shown = (rates: readonly number[]): string => rates.map((rate) => rate.toFixed(0)).join(', ');

/** Answers at once, and measures both alike: from the first request that it sees to the last. */
async function countingUpstream(): Promise<{ readonly url: string; takeRate(): number; close(): void }> {
  let requests = 0;
  let firstAt = 0;
  let lastAt = 0;
  const server = createServer((request, response) => {
    lastAt = systemClock.now();
    if (requests === 0) firstAt = lastAt;
    requests += 1;
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{"card":"ok"}'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cards`,
    takeRate: () => {
      expect(requests).toBe(rows);
      requests = 0;
      return (rows * 1_000) / (lastAt - firstAt);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const bare = `
const [url, rows, concurrency] = process.argv.slice(2);
let next = 0;
const worker = async () => {
  while (next < Number(rows)) {
    const body = JSON.stringify({ word: '단어' + (next += 1) });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await response.json();
  }
};
await Promise.all(Array.from({ length: Number(concurrency) }, worker));
process.exit();
`;
