import type { Clock } from 'breakwater/clock';
import { isBreakwaterError } from 'breakwater/errors';
import type { ExecutionContext, Outcome } from 'breakwater/policy';
import type { InputRow } from '../input/row.ts';
import type { RowError, RowOutcome } from '../output/row-result.ts';
import type { RenderedRequest, RequestTemplate } from '../template/request-template.ts';
import { UnfitValue } from '../template/template.ts';
import { UpstreamFault, callOnce, judgeReply } from './upstream-call.ts';
import type { UpstreamGate } from './upstream-gate.ts';

/** What a row came to. */
export interface SettledRow {
  readonly outcome: RowOutcome;
  /** Calls made for the row in this run. */
  readonly attempts: number;
  readonly durationMs: number;
}

export interface RowCallerOptions {
  readonly clock: Clock;
  readonly template: RequestTemplate;
  readonly idempotencyKey: (position: number, request: RenderedRequest) => string;
  readonly select: readonly string[] | undefined;
  readonly gate: UpstreamGate;
  readonly execute: (attempt: (context: ExecutionContext) => Promise<RowOutcome>) => Promise<Outcome<RowOutcome>>;
  readonly retryAfter: (headers: Headers, status: number) => number | undefined;
  /** How long until the breaker lets a call through. */
  readonly breakerPauseMs: () => number;
  /** A breaker whose probe is out names the end of the probe's lease; the gate asks again after a pause. */
  readonly breakMs: number;
  /** Before each call, the row's first is 1; may refuse it by an error. */
  readonly onAttempt: (attempt: number) => void;
  readonly onCall: (status: number | undefined, durationMs: number) => void;
}

/** When an unreachable host or a 429 says nothing about when to come back. */
const unreachablePauseMs = 1_000;
const rateLimitPauseMs = 1_000;

/** Takes a row to its end: answered, failed for good, or left for a resumed run. */
export class RowCaller {
  readonly #options: RowCallerOptions;
  #lastFault = 'calls fail';

  constructor(options: RowCallerOptions) {
    this.#options = options;
  }

  /** Never rejects. Undefined: the run ended before the row was settled. */
  call(row: InputRow): Promise<SettledRow | undefined> {
    if (row.fault !== undefined)
      return uncalled({ code: row.fault.code, category: 'validation', message: row.fault.message });
    let request: RenderedRequest;
    try {
      request = this.#options.template.render(row);
    } catch (error) {
      if (error instanceof UnfitValue)
        return uncalled({ code: 'TEMPLATE', category: 'validation', message: error.message });
      return uncalled({ code: 'INTERNAL', category: 'internal', message: String(error) });
    }
    request.headers['idempotency-key'] ??= this.#options.idempotencyKey(row.position, request);
    return this.#callUntilSettled(request);
  }

  async #callUntilSettled(request: RenderedRequest): Promise<SettledRow | undefined> {
    const { clock, gate, execute } = this.#options;
    const startedAt: number = clock.now();
    let attempts = 0;
    const attempt = (context: ExecutionContext): Promise<RowOutcome> => {
      attempts += 1;
      return this.#attempt(request, attempts, context);
    };
    const turn = gate.enter();
    if (turn !== undefined && !(await turn)) return undefined;
    // Whoever has waited has been given a turn, and does not ask for another.
    for (;;) {
      const outcome = await execute(attempt);
      if (outcome.ok) {
        gate.answered();
        return { outcome: outcome.value, attempts, durationMs: clock.now() - startedAt };
      }
      const wait = this.#mayWait(outcome.error);
      if (wait === undefined) {
        gate.failed();
        const error = rowErrorOf(outcome.error);
        return { outcome: { ok: false, error }, attempts, durationMs: clock.now() - startedAt };
      }
      if (!(await wait)) return undefined;
    }
  }

  async #attempt(request: RenderedRequest, attempt: number, context: ExecutionContext): Promise<RowOutcome> {
    const { clock, select, retryAfter, onAttempt, onCall } = this.#options;
    onAttempt(attempt);
    const startedAt: number = clock.now();
    let status: number | undefined;
    try {
      const reply = await callOnce(request, context.signal, retryAfter);
      status = reply.status;
      return judgeReply(reply, select);
    } catch (error) {
      if (error instanceof UpstreamFault) this.#lastFault = error.message;
      else if (context.signal.aborted) this.#lastFault = reasonOf(context.signal.reason);
      throw error;
    } finally {
      onCall(status, clock.now() - startedAt);
    }
  }

  /** A promise when the failure is the upstream's and the row goes again later; undefined when the row has failed. */
  #mayWait(error: unknown): Promise<boolean> | undefined {
    const { gate, breakerPauseMs, breakMs } = this.#options;
    if (isBreakwaterError(error, 'CIRCUIT_OPEN'))
      return gate.away(Math.min(error.retryAfterMs ?? 0, breakMs), this.#lastFault);
    const pauseMs = Math.min(breakerPauseMs(), breakMs);
    if (error instanceof UpstreamFault) {
      if (error.kind === 'rate-limited')
        return gate.asksForPause(error.retryAfterMs ?? rateLimitPauseMs, error.message);
      if (error.kind === 'unreachable') return gate.away(Math.max(pauseMs, unreachablePauseMs), error.message);
      if (error.retryAfterMs !== undefined) return gate.asksForPause(error.retryAfterMs, error.message);
    }
    // The attempts ran out while the breaker opened: the outage is to blame, not the row.
    return pauseMs > 0 && !isTotalTimeout(error) ? gate.away(pauseMs, reasonOf(error)) : undefined;
  }
}

function uncalled(error: RowError): Promise<SettledRow> {
  return Promise.resolve({ outcome: { ok: false, error }, attempts: 0, durationMs: 0 });
}

function isTotalTimeout(error: unknown): boolean {
  return isBreakwaterError(error, 'TIMEOUT') && error.policy === 'total-timeout';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rowErrorOf(error: unknown): RowError {
  if (error instanceof UpstreamFault) return error.rowError;
  if (isBreakwaterError(error, 'TIMEOUT')) {
    return {
      code: isTotalTimeout(error) ? 'TOTAL_TIMEOUT' : 'ATTEMPT_TIMEOUT',
      category: 'timeout',
      message: error.message,
    };
  }
  return { code: 'INTERNAL', category: 'internal', message: reasonOf(error) };
}
