import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

it('every code that the library gives to an error, or to a finding of lint, has a row', () => {
  const page = ['errors.md', 'lint.md']
    .map((name) => readFileSync(path(`../../../../docs/${name}`), 'utf8'))
    .join('\n');
  const folder = path('../../src/');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => name.endsWith('.ts') && !name.includes('test'));
  const text = sources.map((name) => readFileSync(folder + name, 'utf8')).join('\n');
  const codes = new Set([...text.matchAll(/\bcode: '([A-Z][A-Z_]+)'/g)].map(([, code]) => code));
  expect(codes.size).toBeGreaterThan(9);
  expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
