import { formatDuration } from 'breakwater/options';
import type { RunOptions } from '../command-line/run-options.ts';
import type { InputRow } from '../input/row.ts';
import { batchesInRange } from '../input/survey.ts';
import type { RenderedRequest, RequestTemplate } from '../template/request-template.ts';
import { UnfitValue } from '../template/template.ts';
import { prepareJob } from './job.ts';

/** What a run would do. */
export interface DryRun {
  readonly input: string;
  readonly output: string;
  readonly rows: number;
  readonly invalidRows: number;
  /** The first few of them. */
  readonly invalid: readonly { readonly position: number; readonly message: string }[];
  /** Of the first valid row, credentials masked. */
  readonly firstRequest: RenderedRequest | undefined;
  /** How long the calls take at least, at `--rate`. */
  readonly leastMs: number | undefined;
}

const maxInvalid = 10;

/** Reads and renders every row, and calls nothing. */
export async function dryRun(options: RunOptions, environment: NodeJS.ProcessEnv): Promise<DryRun> {
  const job = await prepareJob(options, environment);
  let rows = 0;
  let invalidRows = 0;
  const invalid: { position: number; message: string }[] = [];
  let firstRequest: RenderedRequest | undefined;
  const look = (row: InputRow): void => {
    rows += 1;
    const fault = faultOf(row, job.template);
    if (fault === undefined) {
      firstRequest ??= job.template.renderMasked(row);
      return;
    }
    invalidRows += 1;
    if (invalid.length < maxInvalid) invalid.push({ position: row.position, message: fault });
  };
  for await (const batch of batchesInRange(job.input, options.range)) batch.forEach(look);
  const { rate, burst } = options;
  const calls = rows - invalidRows;
  const leastMs = rate === undefined ? undefined : (Math.max(0, calls - burst) * rate.periodMs) / rate.limit;
  return { input: job.inputName, output: options.out, rows, invalidRows, invalid, firstRequest, leastMs };
}

function faultOf(row: InputRow, template: RequestTemplate): string | undefined {
  if (row.fault !== undefined) return row.fault.message;
  try {
    template.renderMasked(row);
    return undefined;
  } catch (error) {
    if (error instanceof UnfitValue) return error.message;
    throw error;
  }
}

/** For people. */
export function describeDryRun(plan: DryRun): string {
  const { firstRequest } = plan;
  const lines = [
    `Dry run: nothing is called, nothing is written.`,
    ``,
    `Input         ${plan.input}`,
    `Output        ${plan.output}`,
    `Rows          ${plan.rows}`,
    `Invalid rows  ${plan.invalidRows}${plan.invalidRows > 0 ? ' (they would stand in the output as failed, not called)' : ''}`,
    ...plan.invalid.map(({ position, message }) => `  row ${position}: ${message}`),
    ...(plan.invalidRows > plan.invalid.length ? [`  and ${plan.invalidRows - plan.invalid.length} more`] : []),
    `Time          ${plan.leastMs === undefined ? 'as fast as the upstream answers (no --rate)' : `at least ${formatDuration(plan.leastMs)} at the given rate`}`,
  ];
  if (firstRequest === undefined) return lines.join('\n');
  lines.push('', 'First request', `  ${firstRequest.method} ${firstRequest.url}`);
  for (const [name, value] of Object.entries(firstRequest.headers)) lines.push(`  ${name}: ${value}`);
  if (firstRequest.body !== undefined) lines.push('', ...firstRequest.body.split('\n').map((line) => `  ${line}`));
  return lines.join('\n');
}
