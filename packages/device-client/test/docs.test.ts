import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { clientDefaults, nearCacheDefaults } from '../src/index.ts';

const text = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${name}`, import.meta.url)), 'utf8');
const source = (name: string): string => text(`packages/device-client/src/${name}`);
const page = text('docs/device-cache/client.md');

it('every code of an error has a row in the list of errors, and on the page of the client', () => {
  const errors = source('errors/errors.ts');
  const codes = new Set([...errors.matchAll(/'([A-Z]+_[A-Z_]+|FORBIDDEN|UNAUTHENTICATED)'/g)].map(([, code]) => code));
  expect(codes.size).toBe(9);
  const list = text('docs/errors.md');
  for (const code of codes) {
    expect(list).toContain(`| \`${code}\``);
    expect(page).toContain(`\`${code}\``);
  }
});

it('every default on the page of the client is the one that the client has', () => {
  for (const [name, value] of Object.entries(clientDefaults)) {
    const [, shown] = new RegExp(`^\\| \`${name}\` +\\| ([^|]+?) +\\|`, 'm').exec(page) ?? [];
    expect([name, shown]).toEqual([name, typeof value === 'number' ? value.toLocaleString('en') : String(value)]);
  }
  for (const [name, value] of Object.entries(nearCacheDefaults)) {
    expect(page).toContain(`${name}: ${value.toLocaleString('en')}`);
  }
});

it('every environment variable of the client is on its page', () => {
  const names = [...source('client/settings-sources.ts').matchAll(/'DEVICE_CACHE(?:_REDIS)?((?:_[A-Z]+)+)'/g)];
  expect(names.length).toBeGreaterThan(15);
  for (const [, name] of names) expect(page).toContain(`${name}\``);
});

it('every path and key of the contract is on its page', () => {
  const contract = text('docs/device-cache/contract.md');
  const keys = [
    'device:{id}:metadata',
    'device:{id}:categories',
    'device:{id}:category:{c}:readings',
    'device:{id}:fences',
  ];
  for (const key of [...keys, 'devices', 'devices:updated', 'devices:ids', 'devices:changes']) {
    expect(contract).toContain(`| \`${key}\` `);
  }
  const paths = [...source('contract/paths.ts').matchAll(/: '(\/[^']+)'/g)].map(([, path]) => path!);
  expect(paths.length).toBe(13);
  for (const path of paths) expect(contract).toContain(path);
});
