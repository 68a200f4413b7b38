import type { InputRow } from '../input/row.ts';

/** Of what kind a failure is; rows are grouped by it at the end. */
export type FailureCategory =
  | 'validation'
  | 'authentication'
  | 'not_found'
  | 'rejected'
  | 'rate_limit'
  | 'timeout'
  | 'network'
  | 'parsing'
  | 'external_service'
  | 'internal';

/** Why a row failed, as it stands in the output. */
export interface RowError {
  /** Stable, for programs: `HTTP_404`, `ATTEMPT_TIMEOUT`, `ECONNRESET`, `RAGGED_ROW`. */
  readonly code: string;
  readonly category: FailureCategory;
  readonly message: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  /** The beginning of what the upstream said. */
  readonly response?: string;
}

/** How the row's calls ended. */
export type RowOutcome =
  | { readonly ok: true; readonly status: number; /** JSON text. */ readonly value: string }
  | { readonly ok: false; readonly error: RowError };

/** The result of a row as one line of JSON; `row` and `value` keep the text that came, digit for digit. */
export function resultJson(row: InputRow, outcome: RowOutcome, attempts: number, durationMs: number): string {
  const told = outcome.ok
    ? `"ok":true,"status":${outcome.status},"value":${outcome.value}`
    : `"ok":false,"status":${outcome.error.status ?? 'null'},"error":${JSON.stringify(outcome.error)}`;
  const rounded = Math.round(durationMs * 10) / 10;
  return `{"position":${row.position},"row":${row.json},${told},"attempts":${attempts},"durationMs":${rounded}}`;
}

/** Category and message of a failed result line, for the list at the end. */
export function failureOf(result: Buffer): { readonly category: string; readonly message: string } {
  const { error } = JSON.parse(result.toString()) as { error?: RowError };
  return { category: error?.category ?? 'internal', message: error?.message ?? '' };
}
