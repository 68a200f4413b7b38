// Starting a program, and waiting for it: with its output kept, or passed straight through.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { root } from './workspace.mjs';

const halfAnHour = 1_800_000;

/** Runs a program to its end. Never throws: a program that cannot start has `ok: false` and says so in its output. */
export function runCommand(command, args, { cwd = root, env = process.env, timeoutMs = halfAnHour } = {}) {
  return new Promise((resolve) => {
    // What is kept is read later, perhaps in a log: without colours.
    const child = spawn(command, args, { cwd, env: { ...env, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    const finish = (code, note = '') => {
      clearTimeout(timer);
      const output = Buffer.concat(chunks).toString('utf8');
      resolve({ ok: code === 0, code, output: note === '' ? output : `${output}\n${note}\n` });
    };
    child.on('error', (error) => finish(null, `${command} did not start: ${error.message}`));
    child.on('close', (code, signal) => {
      if (timedOut) finish(null, `stopped after ${timeoutMs / 1000} s: ${command} ${args.join(' ')}`);
      else finish(code, signal === null ? '' : `ended by ${signal}`);
    });
  });
}

/** Runs a program in the foreground: our terminal is its terminal, and our signals are its signals. Resolves to its exit code. */
export function runInForeground(command, args, { cwd = root, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
    // A terminal sends Ctrl-C to the whole group, so the child has it already; we only have to outlive it.
    const ignore = () => {};
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', process.stdin.isTTY ? ignore : forward);
    process.on('SIGTERM', forward);
    process.on('SIGHUP', forward);
    child.on('error', (error) => {
      console.error(`${command} did not start: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
