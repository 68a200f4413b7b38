import { readFileSync } from 'node:fs';
import type { DeviceEntry, JsonObject } from '@breakwater/device-client';
import { inputError } from '../command-line/command-error.ts';

/** The metadata that a command line gives: JSON, `@file` that holds it, or `-` for standard input. */
export function metadataOf(text: string): JsonObject {
  const where = text === '-' ? 'standard input' : text.startsWith('@') ? text.slice(1) : 'the argument';
  const content = text === '-' || text.startsWith('@') ? contentOf(text === '-' ? 0 : text.slice(1), where) : text;
  return objectOf(content, where);
}

/** The devices of a JSONL file, one on a line: `{"id":"station_1","metadata":{"name":"Roof"}}`. */
export function entriesOf(file: string): readonly DeviceEntry[] {
  const where = file === '-' ? 'standard input' : file;
  const lines = contentOf(file === '-' ? 0 : file, where).split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `${where}, line ${index + 1}`;
    const { id, metadata } = objectOf(line, place);
    if (typeof id !== 'string' || typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
      throw inputError(`${place}: expected {"id":"…","metadata":{…}}`);
    }
    return [{ id, metadata: metadata as JsonObject }];
  });
}

function contentOf(file: string | 0, where: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw inputError(`${where} can't be read: ${(error as Error).message}`);
  }
}

function objectOf(text: string, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw inputError(`${where} is no JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw inputError(`${where}: expected an object, such as {"name":"Roof"}`);
}
