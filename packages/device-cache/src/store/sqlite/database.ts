import { BreakwaterError } from 'breakwater/errors';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailableError } from '../errors.ts';
import { schema, SCHEMA_VERSION } from './schema.ts';

/** The database file is not one that this version can use. */
class StoreFileError extends BreakwaterError {
  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path} can't be used as a store: ${reason}`, { code: 'STORE_FILE', category: 'configuration', cause });
  }
}

/** An opened database, and which one it is: another file has another epoch. */
export interface OpenedDatabase {
  readonly database: DatabaseSync;
  readonly epoch: string;
}

/**
 * Opens the file, or makes it. A second process can't open it: both would serve what the other has changed.
 *
 * @throws StoreFileError
 */
export function openDatabase(path: string): OpenedDatabase {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const database = new DatabaseSync(path);
    try {
      return { database, epoch: prepareDatabase(database, path) };
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof StoreFileError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new StoreFileError(path, message.includes('locked') ? 'another process has it open' : message, error);
  }
}

function prepareDatabase(database: DatabaseSync, path: string): string {
  // What was confirmed is on the disk: the offsets of what was read are committed after it, and must not be ahead.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) throw new StoreFileError(path, `it was written by a newer version (${version})`);
  return inTransaction(database, () => {
    database.exec(`${schema} PRAGMA user_version = ${SCHEMA_VERSION};`);
    database.prepare("INSERT OR IGNORE INTO about VALUES ('epoch', ?)").run(randomUUID().slice(0, 8));
    return String(database.prepare("SELECT value FROM about WHERE name = 'epoch'").get()!['value']);
  });
}

/** Runs `work` whole or not at all. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  let result: T;
  try {
    result = work();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
  return result;
}

/** Runs `work`; what SQLite itself refuses (a full disk, a broken file, a closed database) is a store that is not available. */
export function guarded<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    const isStore = code === 'ERR_SQLITE_ERROR' || code === 'ERR_INVALID_STATE';
    return Promise.reject(isStore ? new StoreUnavailableError('sqlite', error) : error);
  }
}
