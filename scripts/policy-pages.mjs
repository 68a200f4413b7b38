// The pages of the policies have the same parts in the same order, and show in a diagram how each decides.
import { readdirSync, readFileSync } from 'node:fs';
import { inRoot } from './workspace.mjs';

const parts = ['About', 'Usage', 'Defaults', 'Events', 'How it decides', 'Anti-patterns'];

/** What is wrong with a page of a policy, one line each. */
export function policyPageFaults(page, text) {
  const found = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  const faults = [];
  if (found.join('\n') !== parts.join('\n'))
    faults.push(`${page} has the parts ${found.join(', ')}; wanted: ${parts.join(', ')}`);
  const decides = /^## How it decides$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(text)?.[1] ?? '';
  if (!/^```(?:text|mermaid)$/m.test(decides)) faults.push(`${page} has no diagram under "How it decides"`);
  return faults;
}

/** What is wrong with all of them. */
export function allPolicyPageFaults() {
  const pages = readdirSync(inRoot('docs', 'policies')).filter((name) => name.endsWith('.md'));
  return pages.flatMap((name) =>
    policyPageFaults(`docs/policies/${name}`, readFileSync(inRoot('docs', 'policies', name), 'utf8')),
  );
}
