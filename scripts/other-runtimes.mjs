// Deno, Bun and Chromium, as far as the machine can have them: what to start vitest with on each.
import { join } from 'node:path';
import { Unavailable, bringTool, envFor, nodeForTools } from './bootstrap.mjs';
import { bringProgram } from './system-programs.mjs';
import { inRoot } from './workspace.mjs';

const onlyHere = (name) => {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new Unavailable(`${name} is brought along on linux-x64 only, and this is ${process.platform}-${process.arch}`);
};

export async function denoRuntime() {
  onlyHere('Deno');
  const modules = await bringTool('deno', ['deno@2.9.6']);
  const command = join(modules, '@deno', 'linux-x64-glibc', 'deno');
  // In processes: vitest takes its threads down by a call that Deno does not have, and every other run fails by it.
  const vitestArgs = ['--project', 'core', '--pool=forks'];
  return { runtime: { command, args: ['run', '-A', '--no-check'], env: process.env }, vitestArgs };
}

export async function bunRuntime() {
  onlyHere('Bun');
  const modules = await bringTool('bun', ['bun@1.4.5']);
  const command = join(modules, '@oven', 'bun-linux-x64', 'bin', 'bun');
  return { runtime: { command, args: ['--bun'], env: process.env } };
}

export async function chromiumRuntime() {
  const node = await nodeForTools();
  const chromium = await bringProgram(['chromium', 'chromium-browser', 'google-chrome'], 'chromium');
  // Beside the lock file and not in it: nobody else needs a browser driver. Without peers, so that it finds our own vitest.
  const driver = ['@vitest/browser-playwright@5.1.0', 'playwright@1.65.1', '--legacy-peer-deps'];
  const modules = await bringTool('browser', driver);
  const env = envFor(node, { BREAKWATER_CHROMIUM: chromium, BREAKWATER_BROWSER_MODULES: modules });
  return { runtime: { command: node, args: [], env }, vitestArgs: ['--config', inRoot('vitest.browser.config.ts')] };
}
