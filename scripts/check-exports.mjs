// The map of subpaths in a library's package.json follows the folders of its sources. `--write` makes it so.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { internalRooms } from './rooms.mjs';
import { inRoot, isMain, libraries, readJson } from './workspace.mjs';

/** Folders with an index.ts that users may import, as their names. */
export function publicRooms(folder) {
  return readdirSync(join(folder, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, 'src', entry.name, 'index.ts')))
    .map(({ name }) => name)
    .filter((name) => !internalRooms.includes(name))
    .toSorted((a, b) => a.localeCompare(b, 'en'));
}

/** Files beside the code that users may import or refer to. */
const DATA = ['configuration.schema.json'];

/** The export map as it should be. */
export function exportMap(folder) {
  const entry = (path) => ({ types: `./dist/${path}index.d.ts`, default: `./dist/${path}index.js` });
  const rooms = publicRooms(folder).map((room) => [`./${room}`, entry(`${room}/`)]);
  const data = DATA.filter((name) => existsSync(join(folder, name))).map((name) => [`./${name}`, `./${name}`]);
  return { '.': entry(''), ...Object.fromEntries([...rooms, ...data]), './package.json': './package.json' };
}

/** What is wrong with the exports of a built library, one line per fault. */
export function checkExports(folder) {
  return [...mapFaults(folder), ...indexFaults(folder), ...declarationFaults(folder)];
}

function mapFaults(folder) {
  const wanted = exportMap(folder);
  const found = readJson(join(folder, 'package.json')).exports;
  const faults = [];
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    const differing = [...new Set([...Object.keys(wanted), ...Object.keys(found)])].filter(
      (key) => JSON.stringify(found[key]) !== JSON.stringify(wanted[key]),
    );
    faults.push(
      `package.json: exports do not follow the folders (${differing.join(', ') || 'order'}): npm run exports:write`,
    );
  }
  for (const target of Object.values(wanted).flatMap((value) =>
    typeof value === 'string' ? [value] : Object.values(value),
  )) {
    if (!existsSync(join(folder, target))) faults.push(`${target} is missing after the build`);
  }
  return faults;
}

/** An index lists by name what its room gives away, and holds nothing of its own. */
function indexFaults(folder) {
  const names = ['index.ts', ...publicRooms(folder).map((room) => `${room}/index.ts`)];
  return names.flatMap((name) => {
    const source = ts.createSourceFile(name, readFileSync(join(folder, 'src', name), 'utf8'), ts.ScriptTarget.Latest);
    return source.statements.flatMap((statement) => {
      const named =
        ts.isExportDeclaration(statement) &&
        statement.moduleSpecifier !== undefined &&
        statement.exportClause !== undefined &&
        ts.isNamedExports(statement.exportClause);
      const { line } = source.getLineAndCharacterOfPosition(statement.getStart(source));
      return named ? [] : [`src/${name}:${line + 1}: an index holds explicit named exports only`];
    });
  });
}

/** Declarations speak of the language, the web platform and the packages that this one depends on: no other package, no types of Node. */
function declarationFaults(folder) {
  const own = Object.keys(readJson(join(folder, 'package.json')).dependencies ?? {});
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) return ['dist is missing: npm run build'];
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'));
  return files.flatMap((name) => {
    const text = readFileSync(join(dist, name), 'utf8');
    const { importedFiles, referencedFiles, typeReferenceDirectives } = ts.preProcessFile(text, true, true);
    const foreign = [...importedFiles, ...referencedFiles, ...typeReferenceDirectives]
      .map(({ fileName }) => fileName)
      .filter((specifier) => !specifier.startsWith('.') && !own.some((dependency) => isOf(dependency, specifier)));
    const runtime = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').match(/\b(NodeJS|Buffer)\b/g) ?? [];
    return [...new Set([...foreign, ...runtime])].map((type) => `dist/${name}: mentions ${type}`);
  });
}

const isOf = (name, specifier) => specifier === name || specifier.startsWith(`${name}/`);

function writeExports(folder) {
  const path = join(folder, 'package.json');
  const manifest = readJson(path);
  writeFileSync(path, `${JSON.stringify({ ...manifest, exports: exportMap(folder) }, undefined, 2)}\n`);
  console.log(`${relative(inRoot(), path)}: ${publicRooms(folder).length} subpaths`);
}

if (isMain(import.meta)) {
  for (const folder of libraries) {
    const path = inRoot(folder);
    if (process.argv.includes('--write')) {
      writeExports(path);
      continue;
    }
    const faults = checkExports(path);
    for (const fault of faults) console.error(`${folder}: ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}
