import { expect, it } from 'vitest';
import { policyPageFaults } from './policy-pages.mjs';

const page = (...titles) => titles.map((title) => `## ${title}\n\ntext\n`).join('\n');
const decides = 'How it decides\n\n```text\na ─▶ b\n```';

it('finds a page of a policy whose parts are others, or in another order, and one without a diagram', () => {
  const good = page('About', 'Usage', 'Defaults', 'Events', decides, 'Anti-patterns');
  expect(policyPageFaults('a.md', good)).toEqual([]);
  expect(policyPageFaults('a.md', page('About', 'Usage', 'Events', 'Defaults', decides, 'Anti-patterns'))).toEqual([
    'a.md has the parts About, Usage, Events, Defaults, How it decides, Anti-patterns; wanted: About, Usage, Defaults, Events, How it decides, Anti-patterns',
  ]);
  const plain = page(
    'About',
    'Usage',
    'Defaults',
    'Events',
    'How it decides',
    `Anti-patterns\n\n\`\`\`text\nx\n\`\`\``,
  );
  expect(policyPageFaults('a.md', plain)).toEqual(['a.md has no diagram under "How it decides"']);
  expect(policyPageFaults('a.md', good.replace('## Usage\n\ntext\n\n', ''))).toHaveLength(1);
});
