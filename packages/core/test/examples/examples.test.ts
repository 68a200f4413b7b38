/** The programs of examples/, run as they stand, against a server on this machine. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const examples = new URL('../../../../examples/', import.meta.url);
const run = async (program: string): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL(program, examples))]);
  return stdout;
};

describe('the examples of clients', () => {
  it.each([
    ['clients/undici.mjs', "200 { sku: 'teapot', stock: 3 }"],
    ['clients/axios.mjs', "200 { sku: 'teapot', stock: 3 }"],
    ['clients/ai-sdk.mjs', 'three teapots'],
  ])('%s has three good answers of a server that refuses every second request', async (program, answer) => {
    const lines = (await run(program)).trim().split('\n');
    expect(lines).toEqual([answer, answer, answer, '{ requests: 6, refused: 3 }']);
  });
});

describe('the examples of configurations', () => {
  const schema: object = JSON.parse(readFileSync(new URL('../../configuration.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv2020({ allowUnionTypes: true }).compile(schema);
  const files = readdirSync(new URL('registry/', examples)).filter((name) => name.endsWith('.yaml'));

  it('are all as the schema that is shipped wants them', () => {
    const faults = files.map((name) => {
      validate(parse(readFileSync(new URL(`registry/${name}`, examples), 'utf8')));
      return [name, validate.errors];
    });
    expect(faults).toEqual([
      ['pipelines-changed.yaml', null],
      ['pipelines.yaml', null],
    ]);
  });

  it('registry/reload.mjs changes what the file changes, and nothing for a wrong one', async () => {
    const told = await run('registry/reload.mjs');
    expect(told).toContain("at first [ 'stock', 'prices', 'orders' ]");
    expect(told).toContain("added: [ 'parcels' ]");
    expect(told).toContain("removed: [ 'orders' ]");
    expect(told).toContain('pipelines.stock.preset: did you mean httpClient?');
    expect(told).toContain('pipelines.stock.retry.maxAttempts');
  });
});
