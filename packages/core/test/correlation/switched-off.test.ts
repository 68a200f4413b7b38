import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = `
  const seen = [];
  const asked = process.getBuiltinModule;
  process.getBuiltinModule = (name) => (seen.push(name), asked(name));
  const load = (room) => import(new URL(room + '/index.js', process.argv[1]).href);
  await import(new URL('index.js', process.argv[1]).href);
  await load('telemetry');
  const { withCorrelation } = await load('correlation');
  const { callContexts } = await import(new URL('pipeline/call-context.js', process.argv[1]).href);
  const before = [seen.includes('node:async_hooks'), callContexts.capture === undefined];
  withCorrelation('a', () => undefined);
  console.log(JSON.stringify([before, seen.includes('node:async_hooks'), callContexts.capture === undefined]));
`;

it('a program that uses no correlation never touches AsyncLocalStorage, and its calls remember nothing', async () => {
  const dist = new URL('../../dist/', import.meta.url).href;
  const args = ['--input-type=module', '--eval', program.replaceAll('process.argv[1]', JSON.stringify(dist))];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  expect(JSON.parse(stdout)).toEqual([[false, true], true, false]);
});
