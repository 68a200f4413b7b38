// The packed packages on the oldest Node that we support: every subpath by import and by require(), a small program, and the command line.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { nodeOfMajor, runOnNode } from './bootstrap.mjs';
import { subpaths, withInstalledPackages } from './packed.mjs';
import { inRoot, isMain } from './workspace.mjs';

const oldest = 20;

/** Runs the checks one after another; resolves to the list of faults. */
export async function smoke() {
  const node = await nodeOfMajor(oldest);
  return withInstalledPackages(async (folder) => {
    const run = (args) => runOnNode(node, args, { cwd: folder, timeoutMs: 60_000 });
    const faults = [];
    for (const [name, check] of Object.entries(checks)) {
      const fault = await check(folder, run);
      if (fault !== undefined) faults.push(`${name}: ${fault}`);
    }
    return faults;
  });
}

const checks = {
  'import of every subpath': (folder, run) => {
    const lines = subpaths().map((name) => `await import('${name}');`);
    return runProgram(folder, run, 'imports.mjs', lines.join('\n'));
  },

  'require() of every subpath': (folder, run) => {
    const lines = subpaths().map((name) => `require('${name}');`);
    return runProgram(folder, run, 'requires.cjs', lines.join('\n'));
  },

  'a small program': async (folder, run) => {
    copyFileSync(inRoot('scripts', 'consumer', 'service.mjs'), join(folder, 'service.mjs'));
    return faultOf(await run(['service.mjs']));
  },

  'breakwater --help': async (folder, run) => {
    const result = await run([commandLine(folder), '--help']);
    return faultOf(result) ?? (/\brun\b/.test(result.output) ? undefined : `names no command:\n${result.output}`);
  },

  'breakwater run': async (folder, run) => {
    const server = createServer((request, response) => {
      request.resume();
      response.setHeader('content-type', 'application/json').end('{"ok":true}');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(folder, 'words.csv'), 'position,term\n1,물\n2,불\n3,돌\n');
    const url = `http://127.0.0.1:${server.address().port}/cards`;
    try {
      const result = await run([commandLine(folder), 'run', 'words.csv', '--url', url, '--out', 'cards.jsonl']);
      return faultOf(result) ?? faultOfRows(join(folder, 'cards.jsonl'), 3);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  },
};

const commandLine = (folder) => join(folder, 'node_modules', '@breakwater', 'cli', 'bin', 'breakwater.js');

function runProgram(folder, run, name, text) {
  writeFileSync(join(folder, name), `${text}\n`);
  return run([name]).then(faultOf);
}

const faultOf = ({ ok, code, output }) => (ok ? undefined : `exit code ${code}\n${output}`);

function faultOfRows(path, expected) {
  if (!existsSync(path)) return 'wrote no output';
  const rows = readFileSync(path, 'utf8').trim().split('\n');
  return rows.length === expected ? undefined : `wrote ${rows.length} rows of ${expected}`;
}

/** What a smoke test without faults has shown. */
export const describeSmoke = () =>
  `${subpaths().length} subpaths and ${Object.keys(checks).length} checks on Node ${oldest}`;

if (isMain(import.meta)) {
  const faults = await smoke();
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log(describeSmoke());
  process.exitCode = faults.length === 0 ? 0 : 1;
}
