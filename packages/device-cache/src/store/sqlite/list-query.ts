import type { SQLInputValue } from 'node:sqlite';
import type { ListRequest } from '../store.ts';

/** A list as SQL: one row more than asked, which tells whether there is another page. */
export function listQuery(request: ListRequest, nowMs: number): { text: string; parameters: SQLInputValue[] } {
  const conditions: string[] = ['expires_ms > ?'];
  const parameters: SQLInputValue[] = [nowMs];
  const where = (condition: string, ...values: SQLInputValue[]): void => {
    conditions.push(condition);
    parameters.push(...values);
  };
  const { pattern, updatedSinceMs, after, sort, limit, offset = 0 } = request;
  // Patterns have no character that GLOB reads otherwise than we do.
  if (pattern !== undefined) where('id GLOB ?', pattern);
  if (updatedSinceMs !== undefined) where('updated_ms >= ?', updatedSinceMs);
  const reading = readingCondition(request);
  if (reading !== undefined) where(reading.text, ...reading.parameters);
  if (after !== undefined) {
    if (sort === 'id') where('id > ?', after.id);
    else if (sort === '-id') where('id < ?', after.id);
    else {
      const beyond = sort === 'lastUpdated' ? '>' : '<';
      where(`(updated_ms ${beyond} ? OR (updated_ms = ? AND id > ?))`, after.updatedMs, after.updatedMs, after.id);
    }
  }
  const text = `SELECT id, metadata, updated_ms FROM devices WHERE ${conditions.join(' AND ')}
    ORDER BY ${orders[sort]} LIMIT ? OFFSET ?`;
  return { text, parameters: [...parameters, limit + 1, offset] };
}

const orders: Readonly<Record<ListRequest['sort'], string>> = {
  id: 'id',
  '-id': 'id DESC',
  lastUpdated: 'updated_ms, id',
  '-lastUpdated': 'updated_ms DESC, id',
};

/** One reading must have them all. */
function readingCondition({ category, unit, datatype }: ListRequest) {
  const conditions: string[] = [];
  const parameters: SQLInputValue[] = [];
  if (category !== undefined) {
    conditions.push('category = ?');
    parameters.push(category);
  }
  if (unit !== undefined) {
    conditions.push('unit = ?');
    parameters.push(unit);
  }
  if (datatype !== undefined) {
    conditions.push('(datatype_name = ? OR datatype_id = ?)');
    parameters.push(datatype, datatype);
  }
  if (conditions.length === 0) return undefined;
  const text = `EXISTS (SELECT 1 FROM readings WHERE device = devices.id AND ${conditions.join(' AND ')})`;
  return { text, parameters };
}
