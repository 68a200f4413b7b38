import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const page = ['errors.md', 'lint.md'].map((name) => readFileSync(path(`../../../../docs/${name}`), 'utf8')).join('\n');

/** Some rows lead to a page of their own. */
const hasRow = (code: string | undefined): boolean =>
  page.includes(`| \`${code}\``) || page.includes(`| [\`${code}\`](`);

/** What the library itself says, tests left out. */
function sourceText(): string {
  const folder = path('../../src/');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => name.endsWith('.ts') && !name.includes('test'));
  return sources.map((name) => readFileSync(folder + name, 'utf8')).join('\n');
}

it('every code that the library gives to an error, or to a finding of lint, has a row', () => {
  const codes = new Set([...sourceText().matchAll(/\bcode: '([A-Z][A-Z_]+)'/g)].map(([, code]) => code));
  expect(codes.size).toBeGreaterThan(9);
  expect([...codes].filter((code) => !hasRow(code))).toEqual([]);
});

it('every family of codes that end in a number or word of somebody else has a row', () => {
  const families = new Set([...sourceText().matchAll(/\bcode(?::| =) `([A-Z]+_)\$\{/g)].map(([, family]) => family));
  expect([...families]).toEqual(expect.arrayContaining(['HTTP_', 'SYSTEM_', 'API_', 'NETWORK_', 'REDIS_']));
  expect([...families].filter((family) => !page.includes(`| \`${family}`))).toEqual([]);
});

it('every row says what the cause is, and what to do', () => {
  const rows = page.split('\n').filter((line) => /^\| `[A-Z]+_?[A-Z_]*[`<]/.test(line));
  expect(rows.length).toBeGreaterThan(60);
  const cells = (row: string): string[] =>
    row
      .split('|')
      .slice(2, -1)
      .map((cell) => cell.trim());
  expect(rows.filter((row) => cells(row).length < 2 || cells(row).includes(''))).toEqual([]);
});
