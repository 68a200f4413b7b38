/** What the service needs of the process that it runs in. */
export interface ServeHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes what it says: help, the configuration, and where it listens. */
  out(text: string): void;
  /** Takes why it could not start. */
  error(text: string): void;
  /** Calls back at each such signal; returns what ends that. */
  onSignal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP', callback: () => void): () => void;
}
