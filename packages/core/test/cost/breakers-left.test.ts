import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./programs/breakers-left.ts', import.meta.url));
/** Newer ones take TypeScript as it is. */
const typeScript = process.features.typescript ? [] : ['--experimental-strip-types'];

it('a breaker is forgotten with the last who knows it, whatever it has counted, and a control keeps none alive', async () => {
  const flags = ['--expose-gc', '--no-warnings', ...typeScript];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program]);
  // The last one may still be on the stack.
  const [inUse, underControl] = JSON.parse(stdout) as readonly [number, number];
  expect(inUse).toBeLessThanOrEqual(1);
  expect(underControl).toBeLessThanOrEqual(1);
}, 30_000);
