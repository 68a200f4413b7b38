import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { readingOfStation as reading } from '../src/test-support/readings.ts';
import { overHttp } from './test-support/transports.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

it('the example of the README does what it shows, in a program of its own', async () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(path('../README.md'), 'utf8')) ?? [];
  const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(example!, { compilerOptions: target });
  // Within the repository, so that the packages are found as a user's program finds them.
  mkdirSync(path('../../../.cache'), { recursive: true });
  const folder = mkdtempSync(path('../../../.cache/readme-'));
  const cache = await overHttp();
  try {
    await cache.ingest(
      reading({ index: 'T' }),
      reading({ index: 'U', category: 'M', unit: '%', values: [65] }),
      reading({ index: 'WS', unit: 'km/h', values: [10] }),
    );
    const file = join(folder, 'example.mjs');
    writeFileSync(file, outputText);
    const program = `import { nameAndMeasure } from '${pathToFileURL(file).href}';
      console.log(JSON.stringify(await nameAndMeasure('${cache.url}')));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    expect(JSON.parse(stdout)).toEqual([
      'Roof: T = 25.5 Celsius',
      'Roof: WS = 10 km/h',
      'there is no device station_999',
    ]);
  } finally {
    await cache.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
