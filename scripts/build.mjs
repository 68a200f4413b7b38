// Compiles the workspace with the native TypeScript compiler: `node scripts/build.mjs [folder…]`.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';
import { isMain, packages, toolScript } from './workspace.mjs';

/** Builds these projects and what they refer to; without any, everything, and the tests are type-checked as well. */
export function build(projects = ['tsconfig.json']) {
  removeOrphans();
  return runCommand(process.execPath, [toolScript('ts7', 'tsc'), '-b', ...projects]);
}

/** The compiler never deletes: what was built from a source that is gone would still be packed and published. */
function removeOrphans() {
  for (const { path } of packages()) {
    const dist = join(path, 'dist');
    if (!existsSync(dist)) continue;
    for (const name of readdirSync(dist, { recursive: true })) {
      const stem = /^(.*?)(\.d\.ts|\.js)$/.exec(name)?.[1];
      if (stem !== undefined && !existsSync(join(path, 'src', `${stem}.ts`))) rmSync(join(dist, name));
    }
  }
}

if (isMain(import.meta)) {
  const projects = process.argv.slice(2);
  const result = await build(projects.length > 0 ? projects : undefined);
  process.stdout.write(result.output);
  process.exitCode = result.ok ? 0 : 1;
}
