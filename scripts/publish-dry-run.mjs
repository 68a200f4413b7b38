// Says what a release would publish, package by package, and publishes nothing.
import { ensurePackages, npm } from './bootstrap.mjs';
import { build } from './build.mjs';
import { packages } from './workspace.mjs';

await ensurePackages();
const built = await build();
if (!built.ok) {
  console.error(built.output);
  process.exitCode = 1;
} else {
  for (const { manifest, path } of packages()) {
    const result = await npm(['publish', '--dry-run', '--ignore-scripts', '--access', 'public', '--loglevel=notice'], {
      cwd: path,
    });
    console.log(`── ${manifest.name} ${manifest.version}: ${result.ok ? 'could be published' : 'FAILED'}`);
    console.log(result.output);
    if (!result.ok) process.exitCode = 1;
  }
}
