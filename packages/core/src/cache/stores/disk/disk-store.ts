/**
 * A second tier in one directory: for a single machine, and for what should survive a restart.
 *
 * A file per key, named by the SHA-256 of the key, beginning with version, expiry and key. It is written beside its place
 * and renamed into it, so that a reader, and a process that is killed, sees the old file or the new one and never half
 * of it; a disk that loses what it was given is found out by the envelope's checksum. Changes go one after the other,
 * also those of two processes; readings wait for nobody.
 *
 * Times are wall-clock times here, since they have to outlive the process: a clock that is put forward expires what it
 * passes, one that is put back keeps what is there for as much longer, but for its whole life at most.
 *
 * When the files take more than `maxBytes`, expired ones go first and then those that were not read for longest, until a
 * tenth is free.
 */
import type { Clock } from '../../../clock/clock.ts';
import { type Random, systemRandom } from '../../../clock/random.ts';
import { systemClock } from '../../../clock/system-clock.ts';
import { resolveOptions } from '../../../options/resolve.ts';
import { integer, type Rules, text } from '../../../options/rules.ts';
import { policyOptionRules } from '../../../policy/policy-base.ts';
import { sha256Hex } from '../../sha256.ts';
import type { TierReading, TierRecord, TierSource, TierStore } from '../../tier/tier-store.ts';
import { bytesText } from '../../codec/codec.ts';
import { FileLock } from './file-lock.ts';
import { type FileSystem, platformFiles, says } from './file-system.ts';
import { type DiskRecord, readRecord, writtenRecord } from './record.ts';

/** Options of {@link diskStore}. */
export interface DiskStoreOptions {
  /** Where its files are; made when it is missing. A directory of its own. */
  readonly directory: string;
  /** How many bytes its files take at most; default 256 MiB. */
  readonly maxBytes?: number | undefined;
  /** Where it takes the time from; default: the system. */
  readonly clock?: Clock | undefined;
  /** Where it takes random numbers from; default: the system. */
  readonly random?: Random | undefined;
}

const defaults: { readonly maxBytes: 268_435_456 } = Object.freeze({ maxBytes: 268_435_456 });

const rules: Rules<DiskStoreOptions> = {
  directory: text(),
  maxBytes: integer(1),
  clock: policyOptionRules.clock,
  random: policyOptionRules.random,
};

const FREED_RATIO = 0.9;
/** Every so many written bytes, as a part of what fits, the directory is looked through. */
const LOOK_RATIO = 0.05;
const TEMPORARY_MS = 60_000;

/**
 * A second tier in a directory, on Node, Deno and Bun. Two processes may share it.
 *
 * @throws ConfigurationError when the options can't be meant, or the platform has no files.
 */
export function diskStore(given: DiskStoreOptions): TierSource {
  const options = resolveOptions('diskStore', given, defaults, rules, ['directory']);
  const files = platformFiles();
  return { open: (namespace) => new DiskStore(files, `${options.directory}/${folderOf(namespace)}`, options) };
}

/** A name that is a folder's on every system. */
function folderOf(namespace: string): string {
  return /^[\w-]{1,60}$/.test(namespace) ? namespace : sha256Hex(namespace);
}

class DiskStore implements TierStore {
  readonly name = 'disk';
  private readonly files: FileSystem;
  private readonly folder: string;
  private readonly maxBytes: number;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly lock: FileLock;
  private made: Promise<unknown> | undefined = undefined;
  private writtenSinceLook = Infinity;

  constructor(
    files: FileSystem,
    folder: string,
    options: Pick<DiskStoreOptions, 'clock' | 'random'> & { readonly maxBytes: number },
  ) {
    this.files = files;
    this.folder = folder;
    this.maxBytes = options.maxBytes;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? systemRandom;
    this.lock = new FileLock(files, this.clock, `${folder}/lock`);
  }

  async read(keys: readonly string[], tags: readonly string[]): Promise<TierReading> {
    const held = await Promise.all(tags.map((tag) => this.generation(tag)));
    const generations = held.every((generation) => generation !== undefined) ? held : await this.generations(tags);
    return { records: await Promise.all(keys.map((key) => this.readKey(key))), generations };
  }

  write(key: string, bytes: Uint8Array, lifeMs: number, expected: number | undefined): Promise<number> {
    return this.change(async () => {
      const current = (await this.record(key))?.version ?? 0;
      if (expected !== undefined && expected !== current) return 0;
      return this.put(key, bytes, lifeMs, current);
    });
  }

  remove(key: string, lifeMs: number): Promise<number> {
    return this.change(async () => this.put(key, undefined, lifeMs, (await this.record(key))?.version ?? 0));
  }

  discard(key: string, bytes: Uint8Array): Promise<void> {
    return this.change(async () => {
      const found = (await this.record(key))?.bytes;
      if (found?.length === bytes.length && found.every((byte, at) => byte === bytes[at]))
        await this.drop(this.path(key));
    });
  }

  generations(tags: readonly string[]): Promise<readonly string[]> {
    return this.change(async () => {
      const held: string[] = [];
      for (const tag of tags) held.push((await this.generation(tag)) ?? (await this.renewed(tag)));
      return held;
    });
  }

  renew(tags: readonly string[]): Promise<void> {
    return this.change(async () => {
      for (const tag of tags) await this.renewed(tag);
    });
  }

  async *scan(glob: string): AsyncGenerator<readonly string[], undefined> {
    const matches = matcherOf(glob);
    for (const name of await this.names('.value')) {
      const key = (await this.recordIn(`${this.folder}/${name}`))?.key;
      if (key !== undefined && matches.test(key)) yield [key];
    }
  }

  async ping(): Promise<unknown> {
    await this.make();
    return this.files.stat(this.folder);
  }

  lease(key: string, holder: string, leaseMs: number): Promise<boolean> {
    return this.change(async () => {
      const path = this.path(key, '.lease');
      if ((await this.recordIn(path)) !== undefined) return false;
      await this.putFile(
        path,
        writtenRecord({ key: holder, version: 1, expiresAt: this.until(leaseMs), bytes: undefined }),
      );
      return true;
    });
  }

  release(key: string, holder: string): Promise<void> {
    return this.change(async () => {
      const path = this.path(key, '.lease');
      if ((await this.recordIn(path))?.key === holder) await this.drop(path);
    });
  }

  private async change<T>(act: () => Promise<T>): Promise<T> {
    await this.make();
    return this.lock.run(act);
  }

  private make(): Promise<unknown> {
    this.made ??= this.files.mkdir(this.folder, { recursive: true }).catch((error: unknown) => {
      this.made = undefined;
      throw error;
    });
    return this.made;
  }

  private async readKey(key: string): Promise<TierRecord | undefined> {
    const found = await this.record(key);
    if (found === undefined) return undefined;
    // When it was last read decides who leaves; that it can't be noted harms nothing.
    const now = new Date(this.clock.wallTime());
    void this.files.utimes(this.path(key), now, now).catch(() => undefined);
    return { version: found.version, bytes: found.bytes, remainingMs: found.expiresAt - this.clock.wallTime() };
  }

  private async record(key: string): Promise<DiskRecord | undefined> {
    const found = await this.recordIn(this.path(key));
    return found?.key === key ? found : undefined;
  }

  /** A record that is there, whole and has not expired. */
  private async recordIn(path: string): Promise<DiskRecord | undefined> {
    try {
      const found = readRecord(await this.files.readFile(path));
      return found !== undefined && found.expiresAt > this.clock.wallTime() ? found : undefined;
    } catch (error) {
      if (says(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  private async put(key: string, bytes: Uint8Array | undefined, lifeMs: number, current: number): Promise<number> {
    const version = current === 0 ? 1 + Math.floor(this.random.next() * 2 ** 46) : current + 1;
    const record = writtenRecord({ key, version, expiresAt: this.until(lifeMs), bytes });
    this.writtenSinceLook += record.length;
    if (this.writtenSinceLook > LOOK_RATIO * this.maxBytes) await this.makeRoom(record.length);
    await this.putFile(this.path(key), record);
    return version;
  }

  private until(lifeMs: number): number {
    return this.clock.wallTime() + lifeMs;
  }

  private async putFile(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.${this.word()}.tmp`;
    const file = await this.files.open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
    await this.files.rename(temporary, path);
  }

  private async generation(tag: string): Promise<string | undefined> {
    try {
      return bytesText(await this.files.readFile(this.path(tag, '.generation')));
    } catch (error) {
      if (says(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  private async renewed(tag: string): Promise<string> {
    const generation = this.word() + this.word();
    await this.putFile(this.path(tag, '.generation'), new TextEncoder().encode(generation));
    return generation;
  }

  /** Removes what is no longer wanted until so many bytes fit. */
  private async makeRoom(wanted: number): Promise<void> {
    this.writtenSinceLook = 0;
    const found: { path: string; size: number; usedAt: number }[] = [];
    let total = wanted;
    for (const name of await this.names('')) {
      const path = `${this.folder}/${name}`;
      const facts = await this.files.stat(path).catch(() => undefined);
      if (facts === undefined) continue;
      const isDead = name.endsWith('.tmp') && this.clock.wallTime() - facts.mtimeMs > TEMPORARY_MS;
      if (isDead || (name.endsWith('.value') && (await this.recordIn(path)) === undefined)) await this.drop(path);
      else {
        total += facts.size;
        if (name.endsWith('.value')) found.push({ path, size: facts.size, usedAt: facts.mtimeMs });
      }
    }
    if (total <= this.maxBytes * (1 - LOOK_RATIO)) return;
    for (const { path, size } of found.toSorted((one, two) => one.usedAt - two.usedAt)) {
      if (total <= this.maxBytes * FREED_RATIO) return;
      await this.drop(path);
      total -= size;
    }
  }

  private async names(ending: string): Promise<string[]> {
    await this.make();
    return (await this.files.readdir(this.folder)).filter((name) => name.endsWith(ending));
  }

  private async drop(path: string): Promise<void> {
    await this.files.unlink(path).catch((error: unknown) => {
      if (!says(error, 'ENOENT')) throw error;
    });
  }

  private path(key: string, ending = '.value'): string {
    return `${this.folder}/${sha256Hex(key)}${ending}`;
  }

  private word(): string {
    return Math.floor(this.random.next() * 2 ** 48).toString(36);
  }
}

/** A glob of Redis as a regular expression: `*` and escaped characters, which is all that a cache asks for. */
function matcherOf(glob: string): RegExp {
  const source = glob.replaceAll(/\\(.)|\*|[.+?^${}()|[\]]/g, (part, literal: string | undefined) => {
    if (part === '*') return '.*';
    return String.raw`\u{${(literal ?? part).codePointAt(0)!.toString(16)}}`;
  });
  return new RegExp(`^${source}$`, 'su');
}
