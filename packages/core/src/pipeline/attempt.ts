import type { ExecutionContext } from '../policy/context.ts';
import type { Priority } from '../policy/priority.ts';

/** What an attempt must know of its call. */
export interface AttemptedCall {
  readonly pipeline: string | undefined;
  readonly key: string | undefined;
  readonly priority: Priority;
  remainingMs(at: number): number;
}

/** Told when a run is aborted; see {@link Attempt.link}. */
export interface AbortLink {
  onAbort(reason: unknown, byCaller: boolean): void;
}

/** One run of a user's function, and what that function is told about it. */
export class Attempt implements ExecutionContext {
  readonly attempt: number;
  /** The position whose enclosing policies limit this run. */
  readonly #at: number;
  readonly #call: AttemptedCall;
  #controller: AbortController | undefined = undefined;
  #links: Set<AbortLink> | undefined = undefined;
  #aborted = false;
  #reason: unknown = undefined;

  constructor(call: AttemptedCall, at: number, attempt: number) {
    this.#call = call;
    this.#at = at;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get pipeline(): string | undefined {
    return this.#call.pipeline;
  }

  get key(): string | undefined {
    return this.#call.key;
  }

  get priority(): Priority {
    return this.#call.priority;
  }

  get remainingMs(): number {
    return this.#aborted ? 0 : this.#call.remainingMs(this.#at);
  }

  abort(reason: unknown, byCaller: boolean): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const links = this.#links;
    this.#links = undefined;
    for (const link of links ?? []) link.onAbort(reason, byCaller);
    this.#controller?.abort(reason);
  }

  /** Passes an abort on to a call that is part of this run, without the cost of a signal. */
  link(link: AbortLink): void {
    if (this.#aborted) link.onAbort(this.#reason, true);
    else (this.#links ??= new Set()).add(link);
  }

  unlink(link: AbortLink): void {
    this.#links?.delete(link);
  }
}
