import type { ExecutionContext } from '../../policy/context.ts';
import { type Deferred, deferred } from '../../testing/test-support/watched.ts';

/** A function whose every run waits for the test to answer it. */
export class Attempts {
  readonly contexts: ExecutionContext[] = [];
  private readonly answers: Deferred<string>[] = [];

  readonly fn = (context: ExecutionContext): Promise<string> => {
    this.contexts.push(context);
    const answer = deferred();
    this.answers.push(answer);
    return answer.promise;
  };

  /** How many runs have begun. */
  get begun(): number {
    return this.answers.length;
  }

  /** Answers a run, by its number from 1. */
  answer(attempt: number, value: string): void {
    this.answers[attempt - 1]!.resolve(value);
  }

  fail(attempt: number, error: unknown): void {
    this.answers[attempt - 1]!.reject(error);
  }

  /** Which runs have been aborted, by their numbers. */
  get aborted(): number[] {
    return this.contexts.flatMap(({ signal }, index) => (signal.aborted ? [index + 1] : []));
  }
}
