import { IntrusiveList, ListNode } from '../structures/intrusive-list.ts';
import type { CheckpointKeeper, OpenItem } from './checkpoint.ts';

/** The place of an item among the results. */
export class Place<R> extends ListNode {
  /** The position of the item in the source, from 0. */
  readonly index: number;
  state: 'running' | 'finished' | 'failed' = 'running';
  value: R | undefined = undefined;
  /** Its entry in the account of what is not done, where there is one. */
  readonly open: OpenItem | undefined;

  constructor(index: number, open: OpenItem | undefined) {
    super();
    this.index = index;
    this.open = open;
  }
}

/** Somebody who asked for a result. */
interface Asker<R> {
  readonly resolve: (result: IteratorResult<R, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Results on their way out, and those who ask for them. In input order an item takes its place when it starts,
 * otherwise when it finishes; only the first of the line leaves.
 */
export class ResultLine<R> {
  private readonly inInputOrder: boolean;
  private readonly places: IntrusiveList<Place<R>> = new IntrusiveList();
  private readonly keeper: CheckpointKeeper | undefined;
  private readonly askers: Asker<R>[] = [];
  private waitingCount = 0;

  constructor(inInputOrder: boolean, keeper: CheckpointKeeper | undefined) {
    this.inInputOrder = inInputOrder;
    this.keeper = keeper;
  }

  /** How many ask for a result. */
  get asking(): number {
    return this.askers.length;
  }

  /** How many results have finished and have not been handed out. */
  get waiting(): number {
    return this.waitingCount;
  }

  get isEmpty(): boolean {
    return this.places.isEmpty;
  }

  ask(resolve: Asker<R>['resolve'], reject: Asker<R>['reject']): void {
    this.askers.push({ resolve, reject });
  }

  /** An item starts. */
  begin(index: number): Place<R> {
    const place = new Place<R>(index, this.keeper?.begin(index));
    if (this.inInputOrder) this.places.append(place);
    return place;
  }

  /** An item has its result. */
  finish(place: Place<R>, value: R): void {
    place.value = value;
    place.state = 'finished';
    this.waitingCount++;
    if (!this.inInputOrder) this.places.append(place);
  }

  /** An item has none: its place is passed over. */
  fail(place: Place<R>): void {
    place.state = 'failed';
  }

  /** Hands out what may leave to those who ask. */
  handOut(): void {
    for (let place = this.places.first; place !== undefined && place.state !== 'running'; place = this.places.first) {
      if (place.state === 'finished') {
        const asker = this.askers.shift();
        if (asker === undefined) return;
        this.waitingCount--;
        if (place.open !== undefined) this.keeper!.handedOut(place.open);
        asker.resolve({ done: false, value: place.value as R });
      }
      this.places.remove(place);
    }
  }

  /** Tells those who still ask that nothing comes any more; the first of them the error, when there is one. */
  close(error: { readonly thrown: unknown } | undefined): void {
    const asking = this.askers.splice(0);
    if (error !== undefined) asking.shift()?.reject(error.thrown);
    for (const { resolve } of asking) resolve({ done: true, value: undefined });
  }
}
