import { expect, it } from 'vitest';
import { anchorsOf, linkFaults, linksOf } from './doc-links.mjs';

it('make anchors of headings as they are shown', () => {
  expect(
    anchorsOf('# Cache, step by step\n\n```sh\n# no heading\n```\n\n## `run` and [more](a.md)\n\n### Größe: 1.5'),
  ).toEqual(['cache-step-by-step', 'run-and-more', 'größe-15']);
});

it('find the links of a page, from the root, without those in code and those that lead elsewhere', () => {
  const text =
    'see [a](../a.md#b), [c](#c), [d](https://d.example), [`e`](e/)\n\n```ts\nf[0](g.md)\n```\nand `h[0](i.md)`';
  expect(linksOf('docs/x.md', text)).toEqual([
    { target: '../a.md#b', path: 'a.md', anchor: 'b' },
    { target: '#c', path: 'docs/x.md', anchor: 'c' },
    { target: 'e/', path: 'docs/e/', anchor: undefined },
  ]);
});

it('are wrong where a file or a heading is not there, or nobody comes to a page', () => {
  const pages = new Map([
    ['README.md', '# One\n\n[two](docs/two.md#here), [gone](gone.md), [up](#two)'],
    ['docs/two.md', '# Here\n\n[back](../README.md#one), [folder](../scripts)'],
    ['docs/alone.md', '# Alone\n\n[two](two.md)'],
  ]);
  expect(linkFaults(pages, (path) => pages.has(path) || path === 'scripts')).toEqual([
    'README.md links to gone.md, which is not there',
    'README.md links to #two, but there is no such heading',
    "docs/alone.md can't be reached from README.md by links",
  ]);
});
