// Which file imports which, types included.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

const isTest = (name) => /(\.test\.ts$)|(^|\/)test-support\//.test(name);

/** Reads a source folder: `files` maps each name to `{ test, imports: [{ specifier, target, line }] }`; `target` is undefined for packages. */
export function readImports(folder) {
  const names = readdirSync(folder, { recursive: true })
    .map((name) => name.split(sep).join('/'))
    .filter((name) => /\.(ts|mts|js|mjs)$/.test(name))
    .toSorted((a, b) => a.localeCompare(b, 'en'));
  const files = new Map();
  for (const name of names) files.set(name, { test: isTest(name), imports: importsOf(folder, name) });
  return files;
}

/** What the scanner finds without a syntax tree, whose making takes four times as long. */
function importsOf(folder, name) {
  const text = readFileSync(join(folder, name), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName: specifier, pos }) => {
    const line = text.slice(0, pos).split('\n').length;
    return { specifier, target: resolve(folder, name, specifier), line };
  });
}

/** Name of the imported file within the folder; a name that begins with `../` lies outside of it. */
function resolve(folder, name, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const path = join(folder, dirname(name), specifier);
  return posix.normalize(relative(folder, path).split(sep).join('/')).replace(/\.js$/, '.ts');
}

/** One cycle for each knot of files that import each other, as a list of names that ends where it began. */
export function findCycles(files) {
  const state = new Map();
  const path = [];
  const cycles = [];
  const visit = (name) => {
    state.set(name, 'open');
    path.push(name);
    for (const { target } of files.get(name).imports) {
      if (!files.has(target)) continue;
      if (state.get(target) === 'open') cycles.push([...path.slice(path.indexOf(target)), target]);
      else if (!state.has(target)) visit(target);
    }
    path.pop();
    state.set(name, 'done');
  };
  for (const name of files.keys()) if (!state.has(name)) visit(name);
  return cycles;
}
