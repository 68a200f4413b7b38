// A stranger's project: installs the tarballs bare, type-checks a program that imports every subpath, and runs it.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';
import { subpaths, withInstalledPackages } from './packed.mjs';
import { inRoot, isMain, readJson, toolScript } from './workspace.mjs';

const strict = { strict: true, skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes: true, target: 'ES2022' };

// Who our users are: a service by Node's rules, a bundled application, and a service whose only globals are Node's.
const projects = {
  nodenext: { module: 'NodeNext', types: [] },
  bundler: { module: 'ESNext', moduleResolution: 'bundler', types: [] },
  'node-globals': { module: 'NodeNext', lib: ['ES2023'], types: ['node'] },
};

// TypeScript 7 and 6, as our own package.json names them.
const compilers = ['ts7', 'typescript'];

/** Checks the packages as installed; resolves to the list of faults. */
export async function checkConsumer() {
  const nodeTypes = readJson(inRoot('package.json')).devDependencies['@types/node'];
  return withInstalledPackages(
    async (folder) => {
      writeProgram(folder);
      const faults = [];
      for (const [name, compilerOptions] of Object.entries(projects)) {
        const config = {
          compilerOptions: { ...strict, ...compilerOptions },
          files: ['every-subpath.ts', 'service.ts'],
        };
        const path = join(folder, `tsconfig.${name}.json`);
        writeFileSync(path, JSON.stringify(config));
        for (const compiler of compilers) {
          const result = await runCommand(process.execPath, [toolScript(compiler, 'tsc'), '-p', path], { cwd: folder });
          if (!result.ok) faults.push(`types, ${name}, ${compiler}:\n${result.output}`);
        }
      }
      const run = await runCommand(process.execPath, [join(folder, 'every-subpath.mjs')], { cwd: folder });
      if (!run.ok) faults.push(`imports at run time:\n${run.output}`);
      return faults;
    },
    { besides: [`@types/node@${nodeTypes}`] },
  );
}

function writeProgram(folder) {
  const names = subpaths();
  const imports = names.map((name, index) => `import * as m${index} from '${name}';`);
  const list = `[${names.map((_, index) => `m${index}`).join(', ')}]`;
  writeFileSync(join(folder, 'every-subpath.ts'), `${imports.join('\n')}\nexport const all: object[] = ${list};\n`);
  writeFileSync(join(folder, 'every-subpath.mjs'), `${imports.join('\n')}\nconsole.log(${list}.length);\n`);
  copyFileSync(inRoot('scripts', 'consumer', 'service.ts'), join(folder, 'service.ts'));
}

/** What a check without faults has shown. */
export const describeConsumer = () =>
  `${subpaths().length} subpaths, ${Object.keys(projects).length * compilers.length} ways to compile`;

if (isMain(import.meta)) {
  const faults = await checkConsumer();
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log(describeConsumer());
  process.exitCode = faults.length === 0 ? 0 : 1;
}
