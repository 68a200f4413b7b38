// What a user's bundle gets: bundles every subpath of the built library, minified, holds its compressed size against its
// budget, and looks whether it loads a room that it must not know. `--accept` records what is measured, `--parts NAME` tells
// what a bundle would be without each of its parts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { exportMap } from './check-exports.mjs';
import { importFault } from './rooms.mjs';
import { inRoot, isMain, readJson } from './workspace.mjs';

const budgetsPath = inRoot('scripts', 'bundle-budgets.json');
const folder = inRoot('packages', 'core');

/** What is bundled besides the subpaths as they are: what somebody gets who takes one thing out of a subpath. */
const picks = {
  'retry alone': { subpath: './retry', names: ['retry'] },
  'retry in a pipeline': { subpath: '.', names: ['pipeline', 'retry'] },
  'all policies': {
    subpath: '.',
    names: [
      'retry',
      'circuitBreaker',
      'timeout',
      'bulkhead',
      'fallback',
      'hedge',
      'adaptiveConcurrency',
      'clientThrottling',
    ],
  },
};

const roomOf = (subpath) => (subpath === '.' ? '' : subpath.replace('./', ''));

/** Name and source of every bundle. */
function entries() {
  const subpaths = Object.entries(exportMap(folder)).filter(([, target]) => typeof target === 'object');
  const file = (subpath) => JSON.stringify(join(folder, exportMap(folder)[subpath].default));
  return [
    ...subpaths.map(([subpath]) => ({
      name: subpath === '.' ? 'breakwater' : subpath.replace('./', 'breakwater/'),
      room: roomOf(subpath),
      source: `export * from ${file(subpath)};`,
    })),
    ...Object.entries(picks).map(([name, { subpath, names }]) => ({
      name,
      room: roomOf(subpath),
      source: `export { ${names.join(', ')} } from ${file(subpath)};`,
    })),
  ];
}

const output = { format: 'esm', target: 'es2022' };

const built = (esbuild, source, minify) =>
  esbuild.build({
    ...output,
    ...minify,
    stdin: { contents: source, resolveDir: folder },
    bundle: true,
    platform: 'neutral',
    write: false,
    metafile: true,
    absWorkingDir: folder,
  });

const compressed = (contents) => gzipSync(contents, { level: 9 }).length;

/** Bundles one entry: its compressed size in bytes, and the rooms that it loads with what each weighs before compression. */
async function bundle(esbuild, { name, room, source }) {
  const result = await built(esbuild, source, { minify: true });
  const rooms = {};
  for (const [path, { bytesInOutput }] of Object.entries(Object.values(result.metafile.outputs)[0].inputs)) {
    const [, loaded] = /^dist\/(?:([^/]+)\/)?[^/]+/.exec(path) ?? [];
    if (path.startsWith('dist/')) rooms[loaded ?? ''] = (rooms[loaded ?? ''] ?? 0) + bytesInOutput;
  }
  return { name, room, bytes: compressed(result.outputFiles[0].contents), rooms };
}

/** The part of a bundle that a file belongs to: its room, and of the errors the redaction by itself. */
const partOf = (path) =>
  /^dist\/errors\/(?:redact|plain-data)/.test(path) ? 'redaction' : (/^dist\/([^/]+)\//.exec(path)?.[1] ?? 'entry');

/**
 * How much smaller a bundle would be without each of its parts, in bytes, the largest first. They don't add up to the
 * whole: what repeats in two parts is compressed away in each.
 */
async function parts(esbuild, { source }) {
  const result = await built(esbuild, source, { minifySyntax: true, minifyIdentifiers: true });
  // Which file the lines came from stands in front of them; what is exported at the end would miss what was left out.
  const [, ...pieces] = result.outputFiles[0].text.replace(/^export \{[^}]*\};?/m, '').split(/^\/\/ (\S+)$/m);
  const files = pieces.flatMap((piece, index) =>
    index % 2 === 0 ? [{ part: partOf(piece), code: pieces[index + 1] }] : [],
  );
  const bytesOf = async (kept) => {
    const code = kept.map((file) => file.code).join('');
    return compressed((await esbuild.transform(code, { ...output, minifyWhitespace: true })).code);
  };
  const whole = await bytesOf(files);
  const names = [...new Set(files.map(({ part }) => part))];
  const without = await Promise.all(names.map((name) => bytesOf(files.filter(({ part }) => part !== name))));
  return names.map((name, index) => [name, whole - without[index]]).toSorted(([, a], [, b]) => b - a);
}

/** What is wrong with the measured bundles, one line each. */
export function bundleFaults(measured, { margin, aims, budgets }) {
  const faults = [];
  for (const { name, room, bytes, rooms } of measured) {
    for (const loaded of Object.keys(rooms)) {
      const fault = importFault(room, loaded);
      if (fault !== undefined) faults.push(`${name} loads the room "${loaded}": ${fault}`);
    }
    const budget = budgets[name];
    if (budget === undefined) faults.push(`${name} has no budget: npm run bundle:accept`);
    else if (bytes > budget * (1 + margin)) {
      const most = `${bytes} bytes, more than ${budget} and ${Math.round(margin * 100)} % (${heaviest(rooms)})`;
      faults.push(`${name} has ${most}; if that is meant: npm run bundle:accept`);
    }
  }
  const names = new Set(measured.map(({ name }) => name));
  for (const name of new Set([...Object.keys(budgets), ...Object.keys(aims)])) {
    if (!names.has(name)) faults.push(`there is no bundle "${name}" any more: npm run bundle:accept`);
  }
  return faults;
}

const heaviest = (rooms) =>
  Object.entries(rooms)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 4)
    .map(([room, bytes]) => `${room || 'index'} ${bytes}`)
    .join(', ');

/** Size and aim of the bundles that have one, for the line of the result. */
const againstAims = (measured, aims) =>
  measured
    .filter(({ name }) => name in aims)
    .map(({ name, bytes }) => `${name} ${kilobytes(bytes)} (aim ${kilobytes(aims[name])})`)
    .join(', ');

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;

async function measure() {
  const esbuild = await import('esbuild');
  return Promise.all(entries().map((entry) => bundle(esbuild, entry)));
}

function accept(measured, { margin, aims }) {
  const budgets = Object.fromEntries(measured.map(({ name, bytes }) => [name, bytes]));
  writeFileSync(budgetsPath, `${JSON.stringify({ margin, aims, budgets }, undefined, 2)}\n`);
}

if (isMain(import.meta)) {
  const recorded = readJson(budgetsPath);
  const measured = await measure();
  if (process.argv.includes('--accept')) accept(measured, recorded);
  if (process.argv.includes('--table')) {
    for (const { name, bytes, rooms } of measured) console.log(`${name}\t${bytes}\t${heaviest(rooms)}`);
  }
  if (process.argv.includes('--parts')) {
    const asked = process.argv[process.argv.indexOf('--parts') + 1];
    const entry = entries().find(({ name }) => name === asked);
    if (entry === undefined) throw new Error(`there is no bundle "${asked}"`);
    for (const [part, bytes] of await parts(await import('esbuild'), entry)) console.log(`${part}\t${bytes}`);
  }
  const faults = bundleFaults(measured, process.argv.includes('--accept') ? readJson(budgetsPath) : recorded);
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log(`${measured.length} bundles; ${againstAims(measured, recorded.aims)}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
