/** The figures of docs/lint: what a pipeline does that lint has a finding about, and what it does mended. */
import { readFileSync } from 'node:fs';
import { lintPipeline } from 'breakwater/registry';
import { VirtualClock } from 'breakwater/testing';
import { describe, expect, it } from 'vitest';
import { type Finding, findings, pipelineOf } from './findings.ts';

const docs = new URL('../../../../docs/', import.meta.url);
const pageOf = ({ code }: Finding): string => `lint/${code.toLowerCase().replaceAll('_', '-')}.md`;
const numberOf = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 0 });

/** The rows of the table that the page of a finding has. */
async function rowsOf(finding: Finding): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const [name, policies] of [
    ['as it was', finding.bad()],
    ['mended', finding.good()],
  ] as const) {
    const clock = new VirtualClock();
    const figures = await finding.figures(pipelineOf(policies, clock), clock);
    if (rows.length === 0) rows.push(`| | ${Object.keys(figures).join(' | ')} |`);
    rows.push(`| ${name} | ${Object.values(figures).map(numberOf).join(' | ')} |`);
  }
  return rows;
}

describe.each(findings)('$code', (finding) => {
  const codesIn = (calls: ReturnType<typeof pipelineOf>): readonly string[] =>
    lintPipeline(calls).map(({ code }) => code);

  it('is all that lint finds in the pipeline of its page, and nothing in the mended one', () => {
    expect(codesIn(pipelineOf(finding.bad(), new VirtualClock()))).toEqual([finding.code]);
    expect(codesIn(pipelineOf(finding.good(), new VirtualClock()))).toEqual([]);
  });

  it('does what its page tells', async () => {
    const page = readFileSync(new URL(pageOf(finding), docs), 'utf8').replaceAll(/ +/g, ' ');
    const rows = await rowsOf(finding);
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  });
});

it('every finding has a page, which the list of them leads to', () => {
  const list = readFileSync(new URL('lint.md', docs), 'utf8');
  expect(findings.filter((finding) => !list.includes(`](${pageOf(finding)})`))).toEqual([]);
  const told = [...list.matchAll(/^\| \[`([A-Z_]+)`\]/gm)].map((found) => found[1]!);
  expect(told.toSorted()).toEqual(findings.map(({ code }) => code).toSorted());
});
