import { createWriteStream, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from 'breakwater/clock';
import { afterAll, expect, it } from 'vitest';
import { start, temporaryFolder } from './programs.ts';

const rows = process.env['BREAKWATER_LONG'] === '1' ? 1_000_000 : 100_000;
const mostMegabytes = 150;

const folder = temporaryFolder();
afterAll(() => folder.remove());

it.skipIf(process.platform !== 'linux')(
  `${rows} rows of which the first is slow take at most ${mostMegabytes} MB, and come out in order`,
  async () => {
    let answered = 0;
    let first: (() => void) | undefined;
    // The first row is answered when all others have been: everything waits for it.
    const server = createServer((request, response) => {
      request.resume();
      const answer = (): void =>
        void response.setHeader('content-type', 'application/json').end(`{"card":"${'x'.repeat(150)}"}`);
      if (request.url === '/cards/1') first = answer;
      else answer();
      answered += 1;
      if (answered === rows) first?.();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cards/{{id}}`;
    const input = folder.path('rows.csv');
    const output = folder.path('rows.jsonl');
    await writeRows(input);
    // The longest timeout of a call is shorter than the million takes; then the first row is called again, and waits again.
    const running = start([
      'run',
      input,
      '--method',
      'GET',
      '--url',
      url,
      '-c',
      '100',
      '--timeout',
      '5m',
      '--out',
      output,
      '--quiet',
    ]);
    const peak = watchMemory(running.process.pid ?? 0);
    try {
      const { code, stderr } = await running.ended;
      expect([code, stderr]).toEqual([0, '']);
      console.log(
        `largest resident size with ${rows} rows on Node ${process.version}: ${Math.round(peak.megabytes())} MB`,
      );
      expect(peak.megabytes()).toBeLessThanOrEqual(mostMegabytes);
      expect(positionsInOrder(output)).toBe(rows);
    } finally {
      peak.stop();
      server.closeAllConnections();
      server.close();
    }
  },
  1_800_000,
);

async function writeRows(path: string): Promise<void> {
  const file = createWriteStream(path);
  file.write('id,term,type\n');
  for (let row = 1; row <= rows; row += 1) {
    if (!file.write(`${row},단어${row},noun\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

/** The kernel keeps the peak; the last reading before the end counts. */
function watchMemory(pid: number): { megabytes(): number; stop(): void } {
  let peak = 0;
  let stopped = false;
  const look = (): void => {
    try {
      const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      peak = Math.max(peak, Number(kilobytes ?? 0) / 1024);
    } catch {
      return;
    }
    if (!stopped) systemClock.setTimer(50, look);
  };
  look();
  return { megabytes: () => peak, stop: () => (stopped = true) };
}

/** How many lines there are; -1 if one is not at its place. */
function positionsInOrder(path: string): number {
  const text = readFileSync(path);
  let expected = 0;
  for (let from = 0; from < text.length; from = text.indexOf(10, from) + 1) {
    expected += 1;
    if (!text.toString('latin1', from, from + 24).startsWith(`{"position":${expected},`)) return -1;
  }
  return expected;
}
