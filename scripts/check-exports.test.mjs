import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkExports, exportMap } from './check-exports.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'breakwater-exports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function check(changes = {}) {
  const files = {
    'src/index.ts': "export { retry } from './retry/index.ts';",
    'src/retry/index.ts': "export { retry } from './retry.ts';",
    'src/gates/index.ts': "export { gate } from './gate.ts';",
    'dist/index.js': '',
    'dist/index.d.ts': "export { retry } from './retry/index.ts';",
    'dist/retry/index.js': '',
    'dist/retry/index.d.ts': '/** Not a Buffer. */\nexport declare const retry: 1;',
    ...changes,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  if (!('package.json' in files)) {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ exports: exportMap(folder) }));
  }
  return checkExports(folder);
}

describe('the exports of the library', () => {
  it('are one subpath per public room', () => {
    expect(check()).toEqual([]);
    expect(Object.keys(exportMap(folder))).toEqual(['.', './retry', './package.json']);
  });

  it.each([
    [
      'a room without a subpath',
      { 'package.json': '{ "exports": {} }' },
      /exports do not follow the folders \(\., \.\/retry/,
    ],
    ['a room that was not built', { 'src/clock/index.ts': '' }, /dist\/clock\/index\.d\.ts is missing/],
    ['export *', { 'src/retry/index.ts': "export * from './retry.ts';" }, /src\/retry\/index\.ts:1/],
    ['code in an index', { 'src/index.ts': 'export const retry = 1;' }, /src\/index\.ts:1/],
    ['a type of another package', { 'dist/retry/index.d.ts': "import type { R } from 'ioredis';" }, /mentions ioredis/],
    ['a type of Node', { 'dist/retry/index.d.ts': 'export type A = NodeJS.Timeout;' }, /mentions NodeJS/],
    ['a reference to types', { 'dist/retry/index.d.ts': '/// <reference types="node" />' }, /mentions node/],
  ])('are refused with %s', (_, changes, fault) => {
    expect(check(changes)).toContainEqual(expect.stringMatching(fault));
  });
});
