import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./programs/ten-thousand-calls.ts', import.meta.url));
/** Newer ones take TypeScript as it is. */
const flags = process.features.typescript ? [] : ['--experimental-strip-types'];

it('leaves no socket, listener, timer or permit behind after 10,000 calls with failures, aborts and discarded bodies', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--no-warnings', program]);
  const { answered, failed, ...left } = JSON.parse(stdout) as Record<string, number>;
  expect(answered! + failed!).toBe(10_000);
  expect(answered).toBeGreaterThan(1_000);
  expect(failed).toBeGreaterThan(1_000);
  expect(left).toEqual({ left: 0, running: 0, listeners: 0, resources: [] });
}, 300_000);
