/** Starts the command as its users do: another process, real sockets, real files. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '../src/run/observer.ts';

const command = fileURLToPath(new URL('../bin/breakwater.js', import.meta.url));
if (!existsSync(fileURLToPath(new URL('../dist/main.js', import.meta.url)))) {
  throw new Error('packages/cli/dist is missing: these tests run what is built (npm run build)');
}

export interface Ended {
  /** The exit code, or null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function start(
  args: readonly string[],
  more: { readonly input?: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Running {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: more.cwd,
    env: { ...process.env, NO_COLOR: '1', ...more.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined).end(more.input ?? '');
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { process: child, ended };
}

/** `breakwater run … --json`: its exit code and summary. */
export async function runJson(
  args: readonly string[],
  more?: Parameters<typeof start>[1],
): Promise<Ended & { readonly summary: RunSummary }> {
  const ended = await start(['run', ...args, '--json', '--quiet'], more).ended;
  try {
    return { ...ended, summary: JSON.parse(ended.stdout) as RunSummary };
  } catch {
    throw new Error(`no summary, exit code ${ended.code}: ${ended.stderr}`);
  }
}

export interface Ledger {
  readonly calls: number;
  readonly answered: number;
  readonly limited: number;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly peak: { readonly periodMs: number; readonly calls: number };
  readonly keys: {
    readonly distinct: number;
    readonly answered: number;
    readonly answeredTwice: number;
    readonly maxCalls: number;
  };
}

export interface Upstream {
  readonly url: string;
  ledger(): Promise<Ledger>;
  stop(): Promise<void>;
}

/** `breakwater upstream` with these options. */
export async function startUpstream(...options: readonly string[]): Promise<Upstream> {
  const running = start(['upstream', '--json', ...options]);
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    running.process.stdout?.on('data', (piece: string) => {
      text += piece;
      if (text.includes('\n')) resolve((JSON.parse(text.slice(0, text.indexOf('\n'))) as { url: string }).url);
    });
    void running.ended.then(({ code, stderr }) => reject(new Error(`the upstream ended with ${code}: ${stderr}`)));
  });
  return {
    url: url.replace(/\/$/, ''),
    ledger: async () => (await (await fetch(new URL('/_ledger', url))).json()) as Ledger,
    stop: async () => {
      running.process.kill('SIGTERM');
      await running.ended;
    },
  };
}

/** A folder of the test's own. */
export function temporaryFolder(): { readonly path: (name: string) => string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-test-'));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface ResultLine {
  readonly position: number;
  readonly row: Readonly<Record<string, unknown>>;
  readonly ok: boolean;
  readonly status: number | null;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly category: string; readonly message: string };
  readonly attempts: number;
  readonly durationMs: number;
}

export function results(path: string): ResultLine[] {
  const text = readFileSync(path, 'utf8');
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as ResultLine);
}

export function words(rows: number): string {
  const lines = Array.from({ length: rows }, (_, index) => `${index + 1},단어${index + 1},noun`);
  return `position,term,type\n${lines.join('\n')}\n`;
}
