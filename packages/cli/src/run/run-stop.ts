import type { RunEnding } from './observer.ts';

/** Why a run ends early. The first reason counts. */
export class RunStop {
  readonly #listeners: ((reason: string) => void)[] = [];
  ending: RunEnding | undefined;
  /** A fault of the surroundings: the journal or the output cannot be written. */
  fault: Error | undefined;

  get requested(): boolean {
    return this.ending !== undefined || this.fault !== undefined;
  }

  request(ending: RunEnding, reason: string): void {
    if (this.requested) return;
    this.ending = ending;
    for (const listener of this.#listeners) listener(reason);
  }

  fail(fault: Error): void {
    if (this.requested) return;
    this.fault = fault;
    for (const listener of this.#listeners) listener(fault.message);
  }

  onRequest(listener: (reason: string) => void): void {
    this.#listeners.push(listener);
  }
}
