// Fails where a room of the library imports one that it must not know, where a file of it imports a package, and where files import in a circle.
import { existsSync } from 'node:fs';
import { findCycles, readImports } from './import-graph.mjs';
import { importFault, isKnownRoom } from './rooms.mjs';
import { inRoot, isMain } from './workspace.mjs';

const roomOf = (name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : '');

/** What is wrong with the library's imports, one line per fault. Tests are free to import any room, but run in browsers too: no `node:` there. */
export function checkLibrary(folder) {
  const files = readImports(folder);
  const faults = [];
  for (const [name, { test, imports }] of files) {
    const room = roomOf(name);
    if (room !== '' && !isKnownRoom(room)) faults.push(`${name}: the room "${room}" has no place in scripts/rooms.mjs`);
    if (room === '' && name !== 'index.ts' && !test) faults.push(`${name}: only index.ts stands outside the rooms`);
    for (const entry of imports) {
      const fault = test ? faultOfTest(entry) : faultOf(room, entry, files);
      if (fault !== undefined) faults.push(`${name}:${entry.line}: imports ${entry.specifier}: ${fault}`);
    }
  }
  return [...faults, ...cycleFaults(files)];
}

/** A program may be built as it likes, but not in a circle. */
export function checkProgram(folder) {
  return cycleFaults(readImports(folder));
}

function faultOf(room, { target }, files) {
  if (target === undefined) return 'the library depends on no package and on no runtime';
  if (target.startsWith('../')) return 'that lies outside of src';
  if (files.get(target)?.test === true) return 'that is part of the tests';
  const other = roomOf(target);
  return isKnownRoom(room) || room === ''
    ? isKnownRoom(other) || other === ''
      ? importFault(room, other)
      : undefined
    : undefined;
}

function faultOfTest({ specifier }) {
  return specifier.startsWith('node:')
    ? 'tests in src run in browsers as well; those that need Node live in packages/core/test'
    : undefined;
}

function cycleFaults(files) {
  const sources = new Map([...files].filter(([, { test }]) => !test));
  return findCycles(sources).map((cycle) => `import cycle: ${cycle.join(' → ')}`);
}

if (isMain(import.meta)) {
  const faults = checkLibrary(inRoot('packages', 'core', 'src'));
  for (const name of ['cli', 'device-client', 'device-cache']) {
    const folder = inRoot('packages', name, 'src');
    if (existsSync(folder)) faults.push(...checkProgram(folder).map((fault) => `packages/${name}: ${fault}`));
  }
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
