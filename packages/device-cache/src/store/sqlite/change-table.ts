import { CHANGE_LOG_LENGTH, type ChangeCause, type ChangeData } from '@breakwater/device-client/contract';
import type { Clock } from 'breakwater/clock';
import type { ChangesSince, LoggedChange } from '../store.ts';
import type { Statements } from './statements.ts';

/** The log of changes as a table: positions are `{epoch}-{number}`, so those of another file are not mistaken for ours. */
export class ChangeTable {
  private readonly statements: Statements;
  private readonly epoch: string;
  private readonly clock: Clock;

  constructor(statements: Statements, epoch: string, clock: Clock) {
    this.statements = statements;
    this.epoch = epoch;
    this.clock = clock;
  }

  /** Adds a change, inside the caller's transaction. */
  add(deviceId: string, cause: ChangeCause, categories: readonly string[] = []): LoggedChange {
    const at = new Date(this.clock.wallTime()).toISOString();
    const { lastInsertRowid } = this.statements.addChange.run(deviceId, cause, categories.join(','), at);
    const seq = Number(lastInsertRowid);
    if (seq > CHANGE_LOG_LENGTH) this.statements.trimChanges.run(seq - CHANGE_LOG_LENGTH);
    return { position: this.positionOf(seq), data: { deviceId, cause, categories, at } };
  }

  since(position: string | undefined, most: number): ChangesSince {
    const { first, last } = this.statements.logEnds.get() as { readonly first: number; readonly last: number };
    const end = this.positionOf(last);
    if (position === undefined) return { changes: [], position: end };
    const seq = this.numberOf(position);
    if (seq === undefined || seq > last) return { lost: 'unknown-position', position: end };
    if (seq < first - 1) return { lost: 'log-exceeded', position: end };
    const rows = this.statements.changesAfter.all(seq, most) as unknown as readonly ChangeRow[];
    const changes = rows.map((row) => ({ position: this.positionOf(row.seq), data: dataOf(row) }));
    return { changes, position: changes.at(-1)?.position ?? position };
  }

  private positionOf(seq: number): string {
    return `${this.epoch}-${seq}`;
  }

  private numberOf(position: string): number | undefined {
    const [, epoch, seq] = /^(.+)-(\d{1,15})$/.exec(position) ?? [];
    return epoch === this.epoch ? Number(seq) : undefined;
  }
}

interface ChangeRow {
  readonly seq: number;
  readonly device: string;
  readonly cause: ChangeCause;
  readonly categories: string;
  readonly at: string;
}

function dataOf({ device, cause, categories, at }: ChangeRow): ChangeData {
  return { deviceId: device, cause, categories: categories === '' ? [] : categories.split(','), at };
}
