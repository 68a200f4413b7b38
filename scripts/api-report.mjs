// The public surface of each library as text, one file per subpath in its folder `api`. They are committed, so that a change of the
// surface is seen in review; `--accept` rewrites them. An own report and not API Extractor's: with a subpath per room that one repeats
// every shared type in every report, and a change in one room shows in twenty files. Here a declaration stands once, where its room is.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { exportMap } from './check-exports.mjs';
import { inRoot, isMain, libraries, readJson } from './workspace.mjs';

const printer = ts.createPrinter({ removeComments: true });

/** The reports of a built library, by file name. */
export function reports(folder) {
  const entries = Object.entries(exportMap(folder)).filter(([, target]) => typeof target === 'object');
  const program = ts.createProgram(
    entries.map(([, { types }]) => join(folder, types)),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: [], noLib: true },
  );
  const checker = program.getTypeChecker();
  const known = new Set(
    entries.flatMap(([, { types }]) => exportsOf(program.getSourceFile(join(folder, types)), checker)),
  );
  return new Map(
    entries.map(([key, { types }]) => {
      const room = key === '.' ? '' : key.slice(2);
      const source = program.getSourceFile(join(folder, types));
      if (source === undefined) throw new Error(`${types} is missing: npm run build`);
      return [`${room === '' ? 'index' : room}.api.md`, report(folder, room, source, checker, known)];
    }),
  );
}

function exportsOf(source, checker) {
  const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  return symbol === undefined ? [] : checker.getExportsOfModule(symbol).map((entry) => original(entry, checker));
}

const original = (symbol, checker) =>
  (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);

function report(folder, room, source, checker, known) {
  const symbol = checker.getSymbolAtLocation(source);
  const exported = symbol === undefined ? [] : checker.getExportsOfModule(symbol);
  const parts = exported
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => declarationsOf(folder, room, entry, checker));
  const nameless = exported.flatMap((entry) => unreachable(folder, original(entry, checker), checker, known));
  if (nameless.length > 0)
    parts.push(
      `// mentioned, but exported nowhere: ${[...new Set(nameless)].toSorted((a, b) => (a < b ? -1 : 1)).join(', ')}`,
    );
  return `# ${subpath(nameOf(folder), room)}\n\nThe public surface, written by \`npm run api:accept\`.\n\n\`\`\`ts\n${parts.join('\n')}\n\`\`\`\n`;
}

/** Types of ours that a declaration mentions and that no subpath exports: users meet them and cannot name them. */
function unreachable(folder, symbol, checker, known) {
  const found = [];
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const local = checker.getSymbolAtLocation(node);
      const mentioned = local === undefined ? undefined : original(local, checker);
      const home = mentioned?.declarations?.[0];
      const isType =
        mentioned !== undefined && (mentioned.flags & (ts.SymbolFlags.Type & ~ts.SymbolFlags.TypeParameter)) !== 0;
      const isOwn = home !== undefined && ts.isSourceFile(home.parent) && isInside(folder, home.parent.fileName);
      if (isType && isOwn && !known.has(mentioned)) found.push(mentioned.name);
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of symbol.declarations ?? []) visit(withoutPrivates(declaration));
  return found;
}

/** Names of other packages are those packages' to export. */
const isInside = (folder, fileName) => !relative(join(folder, 'dist'), fileName).startsWith('..');

function declarationsOf(folder, room, exported, checker) {
  const symbol = original(exported, checker);
  const declarations = symbol.declarations ?? [];
  if (declarations.length === 0)
    throw new Error(`${exported.name} in ${room || 'index'}: its declaration was not found`);
  const owner = roomOf(folder, declarations[0].getSourceFile().fileName);
  const renamed = symbol.name === exported.name ? '' : `${symbol.name} as `;
  if (owner !== room) return [`export { ${renamed}${exported.name} } from '${subpath(nameOf(folder), owner)}';`];
  const printed = declarations.map((declaration) => print(declaration));
  return renamed === '' ? printed : [...printed, `export { ${renamed}${exported.name} };`];
}

const nameOf = (folder) => readJson(join(folder, 'package.json')).name;

const subpath = (name, room) => (room === '' ? name : `${name}/${room}`);

function print(declaration) {
  // A constant's declaration is the name alone; its statement says that it is one.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return printer.printNode(ts.EmitHint.Unspecified, withoutPrivates(node), node.getSourceFile());
}

/** Private members are in the declaration files only to make classes nominal. */
function withoutPrivates(node) {
  if (!ts.isClassDeclaration(node)) return node;
  const members = node.members.filter((member) => !isPrivate(member));
  return ts.factory.updateClassDeclaration(
    node,
    node.modifiers,
    node.name,
    node.typeParameters,
    node.heritageClauses,
    members,
  );
}

function isPrivate(member) {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;
}

function roomOf(folder, fileName) {
  const name = relative(join(folder, 'dist'), fileName).split(sep).join('/');
  return dirname(name) === '.' ? '' : name.slice(0, name.indexOf('/'));
}

/** What differs between the reports and the files, one line per fault. */
export function checkReports(folder) {
  const kept = join(folder, 'api');
  const faults = [];
  const current = reports(folder);
  for (const [name, text] of current) {
    const path = join(kept, name);
    if (!existsSync(path)) faults.push(`api/${name} is new`);
    else if (readFileSync(path, 'utf8') !== text)
      faults.push(`api/${name} differs:\n${difference(readFileSync(path, 'utf8'), text)}`);
  }
  const names = existsSync(kept) ? readdirSync(kept) : [];
  faults.push(...names.filter((name) => !current.has(name)).map((name) => `api/${name} has no subpath any more`));
  return faults;
}

/** The lines that only one of the two has: enough to see what changed. */
function difference(before, after) {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const gone = old.filter((line) => !now.includes(line)).map((line) => `  - ${line}`);
  return [...gone, ...now.filter((line) => !old.includes(line)).map((line) => `  + ${line}`)].join('\n');
}

function accept(folder) {
  rmSync(join(folder, 'api'), { recursive: true, force: true });
  mkdirSync(join(folder, 'api'));
  for (const [name, text] of reports(folder)) writeFileSync(join(folder, 'api', name), text);
}

if (isMain(import.meta)) {
  const faults = [];
  for (const folder of libraries) {
    const path = inRoot(folder);
    if (process.argv.includes('--accept')) accept(path);
    else faults.push(...checkReports(path).map((fault) => `${folder}/${fault}`));
  }
  for (const fault of faults) console.error(fault);
  if (faults.length > 0)
    console.error('The public surface has changed. If that is meant: npm run api:accept, and commit.');
  process.exitCode = faults.length === 0 ? 0 : 1;
}
