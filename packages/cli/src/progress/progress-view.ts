/** What of a stream is needed; process.stderr is one. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): boolean;
}

/** How the state is shown while the run goes on. */
export interface ProgressView {
  /** Something changed; `important` where a reader should know at once. */
  changed(important: boolean): void;
  /** Prints a whole line without tearing the one that is being drawn. */
  print(text: string): void;
  /** Takes the drawn line away and sets no more timers. Idempotent. */
  close(): void;
}
