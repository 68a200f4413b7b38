import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./programs/allocated-bytes.ts', import.meta.url));
/** Nothing is collected while it measures: what is allocated is what the heap has grown by. */
const flags = ['--max-semi-space-size=512', '--min-semi-space-size=512', '--single-threaded', '--no-warnings'];
/** Newer ones take TypeScript as it is. */
const typeScript = process.features.typescript ? [] : ['--experimental-strip-types'];

async function bytesPerCall(what: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...typeScript, program, what]);
  return Number(stdout);
}

it('a call under all five policies allocates no more than 1,000 bytes beside what the bare call does', async () => {
  const [bare, five] = [await bytesPerCall('bare'), await bytesPerCall('five')];
  expect(bare).toBeGreaterThan(50);
  expect(five - bare).toBeLessThanOrEqual(1_000);
}, 30_000);
