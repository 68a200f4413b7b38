/**
 * One run at a time on one output. The lock is a file `lock.<n>` that is created exclusively and holds pid and start
 * time of its owner. A lock whose owner is dead is not deleted and remade, because two runs that both saw it dead could
 * then delete each other's; they race to create `lock.<n+1>` instead, and the file system lets one win. The winner
 * removes the lower numbers. Who finds a higher number after creating its own has been overtaken, and gives way.
 */
import { link, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../command-line/command-error.ts';

interface Owner {
  readonly pid: number;
  /** Tells two processes with the same pid apart, where the system says when a process began. */
  readonly startedAt: string | undefined;
}

export interface RunLock {
  release(): Promise<void>;
}

export async function lockOutput(folder: string, outputPath: string): Promise<RunLock> {
  const owner: Owner = { pid: process.pid, startedAt: await processStart(process.pid) };
  for (let tries = 0; tries < 20; tries += 1) {
    const highest = (await lockNumbers(folder)).at(-1);
    if (highest !== undefined) await refuseIfAlive(folder, highest, outputPath);
    const mine = (highest ?? 0) + 1;
    if (!(await createLock(folder, mine, owner))) continue;
    const numbers = await lockNumbers(folder);
    if (numbers.at(-1) !== mine) {
      await rm(lockPath(folder, mine), { force: true });
      continue;
    }
    for (const lower of numbers.slice(0, -1)) await rm(lockPath(folder, lower), { force: true });
    return { release: () => rm(lockPath(folder, mine), { force: true }) };
  }
  throw usageError(`${outputPath} is contended by other runs. Wait for them, or give this run another --out.`);
}

function lockPath(folder: string, number: number): string {
  return join(folder, `lock.${number}`);
}

async function lockNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .map((name) => /^lock\.(\d+)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Written aside and linked into place, so that nobody reads a lock without its content. */
async function createLock(folder: string, number: number, owner: Owner): Promise<boolean> {
  const aside = join(folder, `owner.${process.pid}`);
  const content = JSON.stringify(owner);
  await writeFile(aside, content);
  try {
    await link(aside, lockPath(folder, number));
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    // File systems without links: exclusive creation alone.
    return await writeFile(lockPath(folder, number), content, { flag: 'wx' }).then(
      () => true,
      (failure: NodeJS.ErrnoException) => {
        if (failure.code === 'EEXIST') return false;
        throw failure;
      },
    );
  } finally {
    await rm(aside, { force: true });
  }
}

async function refuseIfAlive(folder: string, number: number, outputPath: string): Promise<void> {
  const text = await readFile(lockPath(folder, number), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const owner = parseOwner(text);
  if (owner === undefined) return;
  if (!isAlive(owner.pid)) return;
  const startedAt = await processStart(owner.pid);
  if (startedAt !== undefined && owner.startedAt !== undefined && startedAt !== owner.startedAt) return;
  throw usageError(
    `another run (process ${owner.pid}) is writing to ${outputPath}. Wait for it to end, or give this run another --out.`,
  );
}

function parseOwner(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When the process began, in the system's own ticks: field 22 of Linux's stat, counted after the name in brackets. */
async function processStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
