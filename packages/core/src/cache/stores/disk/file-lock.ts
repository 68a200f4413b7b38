/**
 * Lets one process at a time change what two share: a file that only one can create. Held for a few milliseconds; one
 * that is older than any change takes belonged to a process that died, and is taken away.
 */
import type { Clock } from '../../../clock/clock.ts';
import { type FileSystem, says } from './file-system.ts';

const ABANDONED_MS = 2_000;
const RETRY_MS = 2;

export class FileLock {
  private readonly files: FileSystem;
  private readonly clock: Clock;
  private readonly path: string;
  /** Changes of this process stand in line before they ask for the file. */
  private line: Promise<unknown> = Promise.resolve();

  constructor(files: FileSystem, clock: Clock, path: string) {
    this.files = files;
    this.clock = clock;
    this.path = path;
  }

  /** Runs `change` while nobody else does. */
  run<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.line.then(() => this.alone(change));
    this.line = turn.catch(() => undefined);
    return turn;
  }

  private async alone<T>(change: () => Promise<T>): Promise<T> {
    while (!(await this.take())) await this.pause();
    try {
      return await change();
    } finally {
      await this.remove(this.path);
    }
  }

  private async take(): Promise<boolean> {
    try {
      await (await this.files.open(this.path, 'wx')).close();
      return true;
    } catch (error) {
      if (!says(error, 'EEXIST')) throw error;
    }
    if (await this.isAbandoned(this.path)) await this.takeAway();
    return false;
  }

  /** Only who holds a second file takes the first away, and looks again: it may be a new one by now. */
  private async takeAway(): Promise<void> {
    const taking = `${this.path}.taking`;
    try {
      await (await this.files.open(taking, 'wx')).close();
    } catch (error) {
      if (!says(error, 'EEXIST')) throw error;
      if (await this.isAbandoned(taking)) await this.remove(taking);
      return;
    }
    if (await this.isAbandoned(this.path)) await this.remove(this.path);
    await this.remove(taking);
  }

  private async isAbandoned(path: string): Promise<boolean> {
    try {
      return this.clock.wallTime() - (await this.files.stat(path)).mtimeMs > ABANDONED_MS;
    } catch (error) {
      if (says(error, 'ENOENT')) return false;
      throw error;
    }
  }

  private async remove(path: string): Promise<void> {
    await this.files.unlink(path).catch((error: unknown) => {
      if (!says(error, 'ENOENT')) throw error;
    });
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(RETRY_MS, resolve));
  }
}
