import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inRoot, toolScript } from '../workspace.mjs';

// Each line must be refused outside of clock/ and allowed inside.
const banned = [
  'export const a = Date.now();',
  'export const b = new Date();',
  'export const c = Date();',
  'export const d = performance.now();',
  'export const e = setTimeout(() => {}, 1);',
  'export const f = setInterval(() => {}, 1);',
  'export const g = setImmediate(() => {});',
  'export const h = globalThis.setTimeout(() => {}, 1);',
  'export const i = Math.random();',
  'export const { random } = Math;',
  'export const j = process.hrtime.bigint();',
  'export const k = AbortSignal.timeout(1);',
];
const allowed = [
  'export const l = new Date(0);',
  'export const m = Date.parse("2026-01-01");',
  'queueMicrotask(() => {});',
];

let folder;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'breakwater-lint-'));
  cpSync(inRoot('.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  cpSync(inRoot('scripts', 'lint'), join(folder, 'scripts', 'lint'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The numbers of the lines that the linter refuses in a file at this place. */
function refusedLines(name, lines) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), lines.join('\n'));
  const args = [toolScript('oxlint'), '--format', 'unix', name];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  const found = stdout.split('\n').map((line) => /^[^:]+:(\d+):/.exec(line)?.[1]);
  return [...new Set(found.filter((line) => line !== undefined).map(Number))].toSorted((x, y) => x - y);
}

it.each(['packages/core/src/retry/a.ts', 'packages/core/src/retry/a.test.ts', 'packages/cli/src/run/a.ts'])(
  'clocks, timers and Math.random are refused in %s',
  (name) => {
    const lines = [...banned, ...allowed];
    expect(refusedLines(name, lines).map((line) => lines[line - 1])).toEqual(banned);
  },
);

it('clocks, timers and Math.random are allowed in the clock room', () => {
  expect(refusedLines('packages/core/src/clock/a.ts', [...banned, ...allowed])).toEqual([]);
});
