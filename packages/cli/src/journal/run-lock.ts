/**
 * One run at a time on one output. The lock is a file `lock.<n>` that is created exclusively and holds pid and start
 * time of its owner. A lock whose owner is dead is not deleted and remade, because two runs that both saw it dead could
 * then delete each other's; they race to create `lock.<n+1>` instead, and the file system lets one win. The winner
 * removes the lower numbers. A number says nothing by itself: all locks may have gone since one looked, and somebody may have
 * begun anew below. So each first creates its own and then looks again; who finds a higher one, or a lower one whose owner
 * lives, gives way. Of two who do that at the same time at least one sees the other.
 */
import { randomUUID } from 'node:crypto';
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
    const highest = (await lockNumbers(folder)).at(-1) ?? 0;
    const holder = await holderOf(folder, highest);
    if (typeof holder === 'object') throw takenBy(holder, outputPath);
    const mine = highest + 1;
    if (!(await createLock(folder, mine, owner))) continue;
    const lock = { release: () => rm(lockPath(folder, mine), { force: true }) };
    const dead = await deadBelow(folder, mine);
    if (dead === undefined) {
      await lock.release();
      continue;
    }
    for (const number of dead) await rm(lockPath(folder, number), { force: true });
    return lock;
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
  // The pid alone would not do: processes of two containers may have the same.
  const aside = join(folder, `owner.${randomUUID()}`);
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

/**
 * The locks of the dead; undefined for who has to give way. One that has gone meanwhile is not among them: its number may
 * be taken anew by somebody who lives.
 */
async function deadBelow(folder: string, mine: number): Promise<number[] | undefined> {
  const dead: number[] = [];
  for (const other of await lockNumbers(folder)) {
    if (other === mine) continue;
    if (other > mine) return undefined;
    const holder = await holderOf(folder, other);
    if (typeof holder === 'object') return undefined;
    if (holder === 'dead') dead.push(other);
  }
  return dead;
}

/** Who holds a lock and lives; `dead` where that one does so no more, undefined where there is no such lock. */
async function holderOf(folder: string, number: number): Promise<Owner | 'dead' | undefined> {
  const text = await readFile(lockPath(folder, number), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const owner = parseOwner(text);
  if (owner === undefined || !isAlive(owner.pid)) return 'dead';
  const startedAt = await processStart(owner.pid);
  const isAnother = startedAt !== undefined && owner.startedAt !== undefined && startedAt !== owner.startedAt;
  return isAnother ? 'dead' : owner;
}

function takenBy({ pid }: Owner, outputPath: string): Error {
  return usageError(
    `another run (process ${pid}) is writing to ${outputPath}. Wait for it to end, or give this run another --out.`,
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
