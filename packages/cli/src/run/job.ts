import type { Policy } from 'breakwater/policy';
import type { RunOptions } from '../command-line/run-options.ts';
import { openInput } from '../input/open-input.ts';
import type { OpenInput } from '../input/open-input.ts';
import type { InputRow } from '../input/row.ts';
import { surveyInput } from '../input/survey.ts';
import type { Survey } from '../input/survey.ts';
import type { RunIdentity } from '../journal/run-identity.ts';
import { fileInput, pipeInput } from '../journal/run-identity.ts';
import { checkColumns } from '../template/column-check.ts';
import type { RenderedRequest, RequestTemplate } from '../template/request-template.ts';
import { requestTemplate } from '../template/request-template.ts';
import { limitOf } from './policies.ts';
import { idempotencyKeys } from './idempotency-key.ts';

/** A run's input and request, checked against each other. */
export interface Job {
  readonly inputName: string;
  readonly input: OpenInput;
  /** Undefined for a pipe. */
  readonly survey: Survey | undefined;
  readonly totalRows: number | undefined;
  /** Undefined for JSON Lines from a pipe, whose columns nobody knows before its end. */
  readonly columns: readonly string[] | undefined;
  readonly template: RequestTemplate;
  readonly limit: Policy | undefined;
  readonly identity: RunIdentity;
  readonly idempotencyKey: (position: number, request: RenderedRequest) => string;
  /** A pipe that nothing comes from would keep a stopped run waiting. */
  interruptInput(): void;
}

/** @param onRow Called for each row of the survey. */
export async function prepareJob(
  options: RunOptions,
  environment: NodeJS.ProcessEnv,
  onRow?: () => void,
): Promise<Job> {
  const template = requestTemplate(options.request, environment);
  const piped = options.input.path === '-';
  const survey = piped ? undefined : await surveyInput(options.input, options.range, onRow);
  const opened = await (survey?.reopen() ?? openInput(options.input));
  const columns = opened.columns ?? survey?.columns;
  if (columns !== undefined && (survey === undefined || survey.rows > survey.invalidRows))
    checkColumns(template, columns, opened.name);
  const { input, inputIdentity } =
    survey === undefined ? await pipeJob(opened) : { input: opened, inputIdentity: fileInput(opened.name, survey) };
  const identity: RunIdentity = { version: 1, input: inputIdentity, options: shapingOptions(options, template) };
  return {
    inputName: opened.name,
    input,
    survey,
    totalRows: survey?.rows,
    columns,
    template,
    limit: await limitOf(options),
    identity,
    idempotencyKey: idempotencyKeys(identity),
    interruptInput: () => {
      if (piped) process.stdin.destroy();
    },
  };
}

/** The first row of a pipe is looked at, and put back. */
async function pipeJob(opened: OpenInput): Promise<{ input: OpenInput; inputIdentity: RunIdentity['input'] }> {
  let first: readonly InputRow[] = [];
  while (first.length === 0) {
    const batch = await opened.batches.next();
    if (batch.done === true) break;
    first = batch.value;
  }
  async function* batches(): AsyncGenerator<readonly InputRow[], void> {
    yield first;
    yield* opened.batches;
  }
  return {
    input: { ...opened, batches: batches() },
    inputIdentity: pipeInput(opened.columns ?? [], first[0]?.json ?? ''),
  };
}

/** What decides what is asked and what is kept. Values of credentials are no part of it: they may be renewed. */
function shapingOptions(options: RunOptions, template: RequestTemplate): RunIdentity['options'] {
  const { request, range, input } = options;
  return {
    url: request.url,
    method: template.method,
    body: request.body ?? null,
    header: template.plainHeaders.join('\n') || null,
    select: options.selectText ?? null,
    offset: range.offset,
    limit: range.limit ?? null,
    delimiter: input.delimiter ?? null,
    format: input.format ?? null,
    quote: input.quote ? null : 'none',
  };
}
