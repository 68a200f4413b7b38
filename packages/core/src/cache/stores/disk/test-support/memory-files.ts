import type { Clock } from '../../../../clock/clock.ts';
import type { FileFacts, FileHandle, FileSystem } from '../file-system.ts';

interface File {
  bytes: Uint8Array;
  mtimeMs: number;
}

const fault = (code: string): Error => Object.assign(new Error(code), { code });

/** A file system in memory that fails as the test likes. */
export class MemoryFiles implements FileSystem {
  readonly files: Map<string, File> = new Map();
  readonly folders: Set<string> = new Set();
  /** What an operation on a path fails with; undefined: it doesn't. */
  failing: (operation: string, path: string) => string | undefined = () => undefined;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async mkdir(path: string): Promise<void> {
    this.mayFail('mkdir', path);
    this.folders.add(path);
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.mayFail('readFile', path);
    return this.file(path).bytes;
  }

  async open(path: string, flags: string): Promise<FileHandle> {
    this.mayFail('open', path);
    if (flags === 'wx' && this.files.has(path)) throw fault('EEXIST');
    const file: File = { bytes: new Uint8Array(0), mtimeMs: this.clock.wallTime() };
    this.files.set(path, file);
    return {
      writeFile: async (bytes) => {
        this.mayFail('writeFile', path);
        file.bytes = Uint8Array.from(bytes);
      },
      close: () => Promise.resolve(),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.file(from));
    this.files.delete(from);
  }

  async unlink(path: string): Promise<void> {
    this.mayFail('unlink', path);
    this.file(path);
    this.files.delete(path);
  }

  async readdir(path: string): Promise<string[]> {
    return [...this.files.keys()]
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1));
  }

  async stat(path: string): Promise<FileFacts> {
    this.mayFail('stat', path);
    if (this.folders.has(path)) return { size: 0, mtimeMs: 0 };
    const { bytes, mtimeMs } = this.file(path);
    return { size: bytes.length, mtimeMs };
  }

  async utimes(path: string, _accessed: Date, modified: Date): Promise<void> {
    this.mayFail('utimes', path);
    this.file(path).mtimeMs = modified.getTime();
  }

  /** The paths that end so. */
  named(ending: string): string[] {
    return [...this.files.keys()].filter((path) => path.endsWith(ending));
  }

  private file(path: string): File {
    const file = this.files.get(path);
    if (file === undefined) throw fault('ENOENT');
    return file;
  }

  private mayFail(operation: string, path: string): void {
    const code = this.failing(operation, path);
    if (code !== undefined) throw fault(code);
  }
}
