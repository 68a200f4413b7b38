/** Brings the changes of the store to everybody in this process who wants them. */
import type { Logger } from 'pino';
import type { DeviceStore, LoggedChange } from '../store/store.ts';

/** Somebody who wants to hear of changes. */
export interface FeedReader {
  changed(change: LoggedChange): void;
  /** Changes may have been missed. */
  gap(): void;
  /** Given by who needs no more of changes than the ids of the devices; told instead of `changed` while nobody needs more. */
  readonly idsChanged?: (ids: readonly string[]) => void;
}

export class ChangeFeed {
  private readonly readers: Set<FeedReader> = new Set();
  private readonly log: Logger;
  private stopListening: (() => Promise<void>) | undefined = undefined;

  constructor(log: Logger) {
    this.log = log;
  }

  async start(store: DeviceStore): Promise<void> {
    this.stopListening = await store.listen({
      changed: (change) => {
        for (const reader of this.readers) reader.changed(change);
      },
      gap: () => {
        this.log.warn('changes may have been missed: copies are dropped, streams begin anew');
        for (const reader of this.readers) reader.gap();
      },
      ids: {
        areEnough: () => {
          for (const reader of this.readers) if (reader.idsChanged === undefined) return false;
          return true;
        },
        changed: (ids) => {
          for (const reader of this.readers) reader.idsChanged?.(ids);
        },
      },
    });
  }

  add(reader: FeedReader): () => void {
    this.readers.add(reader);
    return () => {
      this.readers.delete(reader);
    };
  }

  async stop(): Promise<void> {
    this.readers.clear();
    await this.stopListening?.();
  }
}
