/** The lines of both READMEs that put a reading and read it back, as they stand there. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RunningService } from '../test-support/running-service.ts';
import { spawn } from 'node:child_process';

const readmeAt = (folder: string): string => readFileSync(join(import.meta.dirname, folder, 'README.md'), 'utf8');
const readme = readmeAt('../..');
const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** Runs a line of shell without holding up this process, in which the service runs. */
function shell(line: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', line], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    child.on('close', () => resolve(text));
  });
}

it.skipIf(!hasCurl)('three lines of curl put a reading, read it back, and find it among others', async () => {
  const service = await RunningService.start();
  const block = /```sh\n(curl[\s\S]*?)```/.exec(readme)![1]!;
  const lines = block
    .replaceAll('\\\n', ' ')
    .trim()
    .split('\n')
    .map((line) => line.replaceAll('http://127.0.0.1:8080', service.url));
  expect(lines).toHaveLength(3);
  expect(JSON.parse(await shell(lines[0]!))).toEqual({ stored: 1, outdated: 0, rejected: [] });
  expect(JSON.parse(await shell(lines[1]!))).toMatchObject({
    id: 'station_123',
    readings: [{ values: [25.5], index: 'T' }],
  });
  expect(JSON.parse(await shell(lines[2]!))).toMatchObject({ devices: [{ id: 'station_123' }], nextCursor: null });
  await service.stop();
});

it('the README of the whole has the same lines', () => {
  const lines = readmeAt('../../../..')
    .split('\n')
    .filter((line) => line.startsWith('curl'));
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(readme).toContain(line);
});
