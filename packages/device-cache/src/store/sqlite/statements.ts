import type { DatabaseSync, StatementSync } from 'node:sqlite';

const texts = {
  // A reading is newer than what is there and than the deletion, or nothing is written.
  write: `
    INSERT INTO readings (device, category, idx, timestamp_us, "offset", unit, datatype_id, datatype_name, reading)
    SELECT :device, :category, :idx, :timestamp, :offset, :unit, :datatypeId, :datatypeName, :reading
    WHERE NOT EXISTS (SELECT 1 FROM deletions WHERE device = :device AND deleted_ms * 1000 >= :timestamp)
    ON CONFLICT DO UPDATE SET
      timestamp_us = excluded.timestamp_us, "offset" = excluded."offset", unit = excluded.unit,
      datatype_id = excluded.datatype_id, datatype_name = excluded.datatype_name, reading = excluded.reading
    WHERE (excluded.timestamp_us, excluded."offset") > (readings.timestamp_us, readings."offset")`,
  touchDevice: `
    INSERT INTO devices (id, metadata, updated_ms, expires_ms) VALUES (:id, '{}', :updated, :expires)
    ON CONFLICT DO UPDATE SET updated_ms = max(updated_ms, excluded.updated_ms), expires_ms = excluded.expires_ms`,
  putDevice: `
    INSERT INTO devices (id, metadata, updated_ms, expires_ms) VALUES (:id, :metadata, :updated, :expires)
    ON CONFLICT DO UPDATE SET
      metadata = excluded.metadata, updated_ms = max(updated_ms, excluded.updated_ms), expires_ms = excluded.expires_ms`,
  device: 'SELECT id, metadata, updated_ms FROM devices WHERE id = ? AND expires_ms > ?',
  readings: 'SELECT category, idx, reading FROM readings WHERE device = ?',
  countByCategory: 'SELECT category, count(*) AS count FROM readings WHERE device = ? GROUP BY category',
  latestReading: 'SELECT max(timestamp_us) AS latest FROM readings WHERE device = ?',
  deleteDevice: 'DELETE FROM devices WHERE id = ?',
  deleteReadings: 'DELETE FROM readings WHERE device = ?',
  rememberDeletion: `
    INSERT INTO deletions (device, deleted_ms, expires_ms) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET deleted_ms = max(deleted_ms, excluded.deleted_ms), expires_ms = excluded.expires_ms`,
  expiredDevices: 'SELECT id FROM devices WHERE expires_ms <= ?',
  forgetDeletions: 'DELETE FROM deletions WHERE expires_ms <= ?',
  info: `
    SELECT count(*) AS devices, min(updated_ms) AS oldest, max(updated_ms) AS newest FROM devices WHERE expires_ms > ?`,
  pages: 'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
  addChange: 'INSERT INTO changes (device, cause, categories, at) VALUES (?, ?, ?, ?)',
  trimChanges: 'DELETE FROM changes WHERE seq <= ?',
  changesAfter: 'SELECT seq, device, cause, categories, at FROM changes WHERE seq > ? ORDER BY seq LIMIT ?',
  logEnds: `
    SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS last,
      coalesce((SELECT min(seq) FROM changes), 0) AS first`,
  progress: 'SELECT part, "offset" FROM progress WHERE source = ?',
  advance: 'INSERT INTO progress VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "offset" = excluded."offset"',
  ping: 'SELECT count(*) FROM about',
};

/** Every statement of the store, prepared once. */
export type Statements = { readonly [Name in keyof typeof texts]: StatementSync };

export function prepareStatements(database: DatabaseSync): Statements {
  const prepared = Object.entries(texts).map(([name, text]) => [name, database.prepare(text)] as const);
  return Object.fromEntries(prepared) as Statements;
}
