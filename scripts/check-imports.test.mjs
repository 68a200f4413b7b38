import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLibrary, checkProgram } from './check-imports.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'breakwater-imports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return checkLibrary(folder);
}

const leaf = 'export const one = 1;\n';

describe('the import rule of the library', () => {
  it('lets a room import rooms to its left, its own files and lets the index import all', () => {
    const faults = plant({
      'index.ts': "export { two } from './retry/index.ts';\nexport { one } from './testing/index.ts';",
      'clock/index.ts': leaf,
      'retry/index.ts': "export { two } from './retry.ts';",
      'retry/retry.ts': "import { one } from '../clock/index.ts';\nexport const two = one + 1;",
      'testing/index.ts': "export { one } from '../clock/index.ts';\nexport { two } from '../retry/index.ts';",
      'telemetry/index.ts': "export type { one } from '../clock/index.ts';",
    });
    expect(faults).toEqual([]);
  });

  it.each([
    ['a room to its right', 'clock/a.ts', "import { one } from '../retry/index.ts';", 'stands to the right'],
    [
      'a room to its right, types only',
      'clock/a.ts',
      "import type { one } from '../retry/index.ts';",
      'stands to the right',
    ],
    [
      'a room to its right by re-export',
      'clock/a.ts',
      "export { one } from '../retry/index.ts';",
      'stands to the right',
    ],
    [
      'a room to its right by import()',
      'clock/a.ts',
      "export const late = () => import('../retry/index.ts');",
      'stands to the right',
    ],
    [
      'a room to its right in a type',
      'clock/a.ts',
      "export type Late = import('../retry/index.ts').Late;",
      'stands to the right',
    ],
    ['a sibling', 'timeout/a.ts', "import { one } from '../retry/index.ts';", 'siblings'],
    ['testing', 'retry/a.ts', "import { one } from '../testing/index.ts';", 'no other room imports testing'],
    ['telemetry', 'http/a.ts', "import { one } from '../telemetry/index.ts';", 'no other room imports telemetry'],
    [
      'more than the policy contract from telemetry',
      'telemetry/a.ts',
      "import { one } from '../pipeline/index.ts';",
      'up to policy',
    ],
    ['the index of the package', 'retry/a.ts', "import { one } from '../index.ts';", 'index of the package'],
    ['a package', 'retry/a.ts', "import ms from 'ms';", 'depends on no package'],
    ['a runtime', 'retry/a.ts', "import { join } from 'node:path';", 'on no runtime'],
    ['a file outside', 'retry/a.ts', "import { one } from '../../elsewhere.ts';", 'outside of src'],
    ['a test', 'retry/a.ts', "import { one } from './b.test.ts';", 'part of the tests'],
    ['a runtime from a test', 'retry/a.test.ts', "import { join } from 'node:path';", 'run in browsers'],
  ])('refuses an import of %s', (_, name, text, reason) => {
    const rooms = [
      'index.ts',
      'retry/index.ts',
      'retry/b.test.ts',
      'testing/index.ts',
      'telemetry/index.ts',
      'pipeline/index.ts',
    ];
    const faults = plant({ ...Object.fromEntries(rooms.map((room) => [room, leaf])), [name]: text });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(reason);
    expect(faults[0]).toContain(`${name}:1`);
  });

  it('refuses a room that has no place in the order', () => {
    expect(plant({ 'utils/index.ts': leaf })).toEqual([expect.stringContaining('"utils" has no place')]);
  });

  it('leaves tests free to import any room', () => {
    expect(plant({ 'clock/a.test.ts': "import { one } from '../retry/index.ts';", 'retry/index.ts': leaf })).toEqual(
      [],
    );
  });

  it('refuses a cycle within a room, types included', () => {
    const faults = plant({
      'retry/a.ts': "import type { B } from './b.ts';\nexport type A = B;",
      'retry/b.ts': "import type { C } from './c.ts';\nexport type B = C;",
      'retry/c.ts': "import type { A } from './a.ts';\nexport type C = A;",
    });
    expect(faults).toEqual(['import cycle: retry/a.ts → retry/b.ts → retry/c.ts → retry/a.ts']);
  });

  it('refuses a cycle in a program', () => {
    plant({ 'run/a.ts': "import './b.ts';", 'run/b.ts': "import './a.ts';" });
    expect(checkProgram(folder)).toEqual(['import cycle: run/a.ts → run/b.ts → run/a.ts']);
  });
});
