// Compiles every TypeScript snippet of the README and the docs against the built packages, and loads it; looks whether the
// parts of the docs that are made from the sources are current, whether the pages of the policies have their parts, and
// whether links lead somewhere.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { nodeOfMajor, runOnNode, Unavailable } from './bootstrap.mjs';
import { allLinkFaults } from './doc-links.mjs';
import { allPolicyPageFaults } from './policy-pages.mjs';
import { runCommand } from './run-command.mjs';
import { inRoot, isMain, packages, root, toolScript } from './workspace.mjs';

const folder = inRoot('.cache', 'docs-snippets');

const compilerOptions = {
  target: 'ES2022',
  module: 'NodeNext',
  strict: true,
  // What runs is what the compiler makes of it: engines don't know decorators yet.
  outDir: 'compiled',
  rootDir: '.',
  sourceMap: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
  types: [],
  lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
};

function pages() {
  const docs = readdirSync(inRoot('docs'), { recursive: true }).map((name) => inRoot('docs', name));
  const readmes = [inRoot('README.md'), ...packages().map(({ path }) => join(path, 'README.md'))];
  return [...readmes.filter((path) => existsSync(path)), ...docs].filter((path) => path.endsWith('.md'));
}

/** The snippets of a page, each with the line on which it begins. */
function snippetsOf(path) {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    source: match[1],
    where: `${relative(root, path)}:${text.slice(0, match.index).split('\n').length}`,
  }));
}

function write(snippets) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  for (const [index, { source, where }] of snippets.entries()) {
    writeFileSync(join(folder, `snippet-${index}.ts`), `// ${where}\n${source}\nexport {};\n`);
  }
  const imports = snippets.map((_, index) => `await import('./compiled/snippet-${index}.js');`);
  writeFileSync(join(folder, 'load.mjs'), imports.join('\n'));
}

export async function checkDocs() {
  // It needs packages that may not have been installed when this file was loaded.
  const { generatedDocsFaults } = await import('./generated-docs.mjs');
  const linked = ['ARCHITECTURE.md', 'CONTRIBUTING.md', ...pages().map((path) => relative(root, path))];
  const faults = [...allLinkFaults(linked), ...allPolicyPageFaults(), ...(await generatedDocsFaults())];
  if (faults.length > 0) return { ok: false, output: faults.join('\n') };
  const snippets = pages().flatMap(snippetsOf);
  write(snippets);
  const typed = await runCommand(process.execPath, [toolScript('ts7', 'tsc'), '-p', folder], { cwd: folder });
  if (!typed.ok) return { ...typed, output: withPlaces(typed.output, snippets) };
  const compiled = `${snippets.length} snippets compile`;
  try {
    const loaded = await runOnNode(await nodeOfMajor(24), ['--enable-source-maps', join(folder, 'load.mjs')]);
    return { ...loaded, output: withPlaces(loaded.output, snippets), brief: `${compiled} and load` };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { ok: true, output: '', brief: `${compiled}; not run: loading them (${error.message})` };
  }
}

const withPlaces = (output, snippets) =>
  output.replaceAll(/snippet-(\d+)\.ts/g, (name, index) => `${snippets[index]?.where ?? ''} (${name})`);

if (isMain(import.meta)) {
  const { ok, output, brief } = await checkDocs();
  console.log(ok ? brief : output);
  process.exitCode = ok ? 0 : 1;
}
