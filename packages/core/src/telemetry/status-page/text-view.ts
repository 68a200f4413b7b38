/** The status as text, for curl: no line of it can be made to look like another. */
import { visible } from '../logging/escape.ts';
import type { NoticeView, OperationView, PartView, PipelineView, PolicyView, StatusView } from './view.ts';
import { shownMs, shownNumber, shownRatio } from './view.ts';

export function textView(view: StatusView): string {
  const { title, summary, timestamp, pipelines, operations, moreOperations, health, alerts } = view;
  const more = moreOperations === 0 ? [] : [`  … and ${moreOperations} more`];
  const lines = [
    `${visible(title)}: ${summary}, ${timestamp}`,
    ...section('Pipelines', pipelines.flatMap(pipelineLines)),
    ...section('Caches', view.caches.map(partLine)),
    ...section('Limiters', view.limiters.map(partLine)),
    ...section('Pools', view.pools.map(partLine)),
    ...section('Batchers', view.batchers.map(partLine)),
    ...section('Operations', [...operations.map(operationLine), ...more]),
    ...section('Health', health.map(noticeLine)),
    ...section('Alerts', alerts.map(noticeLine)),
  ];
  return `${lines.join('\n')}\n`;
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines];
const column = (text: string, width: number): string => visible(text).padEnd(width);
const time = (ms: number | null): string => (ms === null ? '–' : shownMs(ms));

function pipelineLines({ name, status, busy, calls, policies }: PipelineView): string[] {
  const { ratePerSecond, errorRatio, p50Ms, p95Ms, p99Ms } = calls;
  const errors = errorRatio === null ? '–' : shownRatio(errorRatio);
  const rate = `${shownNumber(ratePerSecond)} calls/s, ${errors} failing`;
  const quantiles = `p50 ${time(p50Ms)}, p95 ${time(p95Ms)}, p99 ${time(p99Ms)}`;
  const head = `  ${column(name, 24)} ${column(status, 10)} ${rate}, ${quantiles}, ${busy} running`;
  return [head, ...policies.flatMap((policy) => policyLines(policy, '    '))];
}

function policyLines({ kind, name, state, meters, facts, policies = [] }: PolicyView, indent: string): string[] {
  const label = name === kind ? kind : `${name} (${kind})`;
  const told = [
    ...(state === undefined ? [] : [state]),
    ...meters.map(({ label: of, used, of: most }) => `${of} ${shownNumber(used)} of ${shownNumber(most)}`),
    ...facts.map((fact) => `${fact.label} ${fact.value}`),
  ];
  const line = `${indent}${column(label, 26)} ${visible(told.join(', '))}`.trimEnd();
  return [line, ...policies.flatMap((inner) => policyLines(inner, `${indent}  `))];
}

function partLine({ name, headline, facts }: PartView): string {
  const told = [headline, ...facts].map(({ label, value }) => `${label} ${value}`);
  return `  ${column(name, 24)} ${told.join(', ')}`;
}

function operationLine({ name, count, errorRatio, p50Ms, p95Ms, p99Ms }: OperationView): string {
  const quantiles = `p50 ${shownMs(p50Ms)}, p95 ${shownMs(p95Ms)}, p99 ${shownMs(p99Ms)}`;
  return `  ${column(name, 24)} ${shownNumber(count)} times, ${shownRatio(errorRatio)} failing, ${quantiles}`;
}

function noticeLine({ name, state, message }: NoticeView): string {
  return `  ${column(name, 24)} ${column(state, 10)} ${visible(message)}`;
}
