/**
 * A store of dead letters in a file of JSON lines. Lines are appended and synchronised before anybody is told that they
 * are safe. A process that dies, or a disk that is full, may leave a torn line at the end: the next one begins on a line
 * of its own, so that at most that one letter is lost. A file that is written anew is written beside its place and
 * renamed into it.
 */
import { ConfigurationError } from '../errors/configuration-error.ts';
import { nodeModule } from '../structures/node-module.ts';
import { resolveOptions } from '../options/resolve.ts';
import { text } from '../options/rules.ts';
import type { LetterStore } from './letter.ts';

interface FileHandle {
  writeFile(text: string): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** The part of `node:fs/promises` that is used. */
interface FileSystem {
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
  readFile(path: string, encoding: 'utf8'): Promise<string>;
  open(path: string, flags: 'a' | 'w', mode: number): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
}

/** Items are nobody else's business. */
const OWNER_ONLY = 0o600;

/** Options of {@link letterFile}. */
export interface LetterFileOptions {
  /** Where the file is; it and its folders are made when they are missing. */
  readonly path: string;
}

/**
 * Keeps dead letters in a file, on Node, Deno and Bun; one process at a time.
 *
 * @throws ConfigurationError when the options can't be meant, or the platform has no files.
 */
export function letterFile(options: LetterFileOptions): LetterStore {
  const { path } = resolveOptions('letterFile', options, {}, { path: text() }, ['path']);
  const files = nodeModule<FileSystem>('node:fs/promises');
  if (files !== undefined) return new LetterFile(files, path);
  throw new ConfigurationError([
    { path: 'letterFile', expected: 'a platform with node:fs/promises', received: 'one without' },
  ]);
}

class LetterFile implements LetterStore {
  private readonly files: FileSystem;
  private readonly path: string;
  /** Whether the file may end in the middle of a line. */
  private torn = false;

  constructor(files: FileSystem, path: string) {
    this.files = files;
    this.path = path;
  }

  async load(): Promise<readonly string[]> {
    const folder = /^(.*)[/\\]/s.exec(this.path)?.[1];
    if (folder !== undefined && folder !== '') await this.files.mkdir(folder, { recursive: true });
    let written: string;
    try {
      written = await this.files.readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ENOENT') return [];
      throw error;
    }
    this.torn = written !== '' && !written.endsWith('\n');
    return written.split('\n').filter((line) => line !== '');
  }

  async append(lines: readonly string[]): Promise<void> {
    const begin = this.torn ? '\n' : '';
    this.torn = true;
    await this.write(this.path, 'a', begin + ended(lines));
    this.torn = false;
  }

  async replace(lines: readonly string[]): Promise<void> {
    const beside = `${this.path}.new`;
    await this.write(beside, 'w', ended(lines));
    await this.files.rename(beside, this.path);
    this.torn = false;
  }

  async close(): Promise<void> {
    // Nothing is held between writings.
  }

  private async write(path: string, flags: 'a' | 'w', content: string): Promise<void> {
    const file = await this.files.open(path, flags, OWNER_ONLY);
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

const ended = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
