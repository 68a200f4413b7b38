/** What of Node's file system the disk store needs, found at run time. */
import { ConfigurationError } from '../../../errors/configuration-error.ts';
import { nodeModule } from '../../../structures/node-module.ts';

/** An open file. */
export interface FileHandle {
  writeFile(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What `stat` tells. */
export interface FileFacts {
  readonly size: number;
  readonly mtimeMs: number;
}

/** The part of `node:fs/promises` that is used. */
export interface FileSystem {
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
  readFile(path: string): Promise<Uint8Array>;
  open(path: string, flags: string): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<FileFacts>;
  utimes(path: string, accessed: Date, modified: Date): Promise<void>;
}

/** @throws ConfigurationError where the platform has no files. */
export function platformFiles(): FileSystem {
  const files = nodeModule<FileSystem>('node:fs/promises');
  if (files !== undefined) return files;
  throw new ConfigurationError([
    { path: 'diskStore', expected: 'a platform with node:fs/promises', received: 'one without' },
  ]);
}

/** Whether an error says that there is no such file, or with `exists` that there is one. */
export function says(error: unknown, name: 'ENOENT' | 'EEXIST'): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === name;
}
