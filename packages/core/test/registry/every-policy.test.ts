import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationSchema } from 'breakwater/registry';
import { expect, it } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const source = path('../../src/');

/** The kinds of all policies that the sources declare, those for tests left out. */
function kindsOfPolicies(): readonly string[] {
  const files = globSync('**/*.ts', { cwd: source }).filter(
    (file) => !/\.test\.ts$|test-support|^testing\//.test(file.replaceAll('\\', '/')),
  );
  const texts = files.map((file) => readFileSync(`${source}${file}`, 'utf8'));
  const policies = texts.filter((text) => /\b(?:Hook|Around)Policy\b/.test(text));
  return [
    ...new Set(policies.flatMap((text) => [...text.matchAll(/\bkind(?: =|:) '([a-z-]+)'/g)].map(([, kind]) => kind!))),
  ];
}

/** The names that a configuration takes in a row of policies. */
function namesInFiles(): readonly string[] {
  const { policy } = configurationSchema()['$defs'] as {
    readonly policy: { readonly anyOf: readonly { readonly properties?: object }[] };
  };
  return policy.anyOf.flatMap(({ properties = {} }) => Object.keys(properties));
}

const nameOf = (kind: string): string => kind.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

it('every policy of the library can be named in a file, or the page of the registry says why not', () => {
  const kinds = kindsOfPolicies();
  const names = namesInFiles();
  const page = readFileSync(path('../../../../docs/registry.md'), 'utf8');
  const why = page.slice(page.indexOf('### What a file can not name'), page.indexOf('## Changing it'));
  expect(kinds).toEqual(expect.arrayContaining(['retry', 'shedding', 'cached', 'tracing', 'pipeline']));
  const missing = kinds.filter((kind) => !names.includes(nameOf(kind)));
  for (const kind of missing) expect(why).toContain(`| \`${kind}\``);
  for (const kind of kinds.filter((each) => !missing.includes(each))) {
    expect(page).toContain(`\`${nameOf(kind)}\``);
    expect(why).not.toContain(`| \`${kind}\``);
  }
});
