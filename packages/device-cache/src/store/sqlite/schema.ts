/** The tables of the embedded store. A changed layout gets another version, and a way from the one before. */
export const SCHEMA_VERSION = 1;

export const schema = `
  CREATE TABLE IF NOT EXISTS devices (
    id TEXT PRIMARY KEY, metadata TEXT NOT NULL, updated_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS devices_by_update ON devices (updated_ms, id);
  CREATE INDEX IF NOT EXISTS devices_by_expiry ON devices (expires_ms);
  CREATE TABLE IF NOT EXISTS readings (
    device TEXT NOT NULL, category TEXT NOT NULL, idx TEXT NOT NULL,
    timestamp_us INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    unit TEXT, datatype_id TEXT, datatype_name TEXT, reading TEXT NOT NULL,
    PRIMARY KEY (device, category, idx)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deletions (
    device TEXT PRIMARY KEY, deleted_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deletions_by_expiry ON deletions (expires_ms);
  CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, cause TEXT NOT NULL, categories TEXT NOT NULL, at TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS progress (
    source TEXT NOT NULL, part INTEGER NOT NULL, "offset" INTEGER NOT NULL, PRIMARY KEY (source, part)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;
