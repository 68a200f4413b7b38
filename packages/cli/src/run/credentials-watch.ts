/**
 * When the first rows are all refused with 401 or 403, so will be the others: the run stops before it has burnt through
 * the file, and perhaps locked the account. One other answer shows that the credentials work.
 */
const rowsToJudge = 20;

export class CredentialsWatch {
  #refused = 0;
  #over = false;

  /** True when the run should stop. */
  settled(status: number | undefined): boolean {
    // Rows that were never called say nothing.
    if (this.#over || status === undefined) return false;
    if (status !== 401 && status !== 403) {
      this.#over = true;
      return false;
    }
    this.#refused += 1;
    if (this.#refused < rowsToJudge) return false;
    this.#over = true;
    return true;
  }
}
