/** What a {@link DueHeap} orders. */
export interface Due {
  /** When something is to be done about it, in monotonic milliseconds. */
  readonly dueAt: number;
  /** @internal Its place in the heap; −1 outside. */
  heapIndex: number;
}

/** Things by when they are due: a binary heap whose members know their place, so that all is O(log n). */
export class DueHeap<Member extends Due> {
  private readonly members: Member[] = [];

  /** What is due first. */
  get first(): Member | undefined {
    return this.members[0];
  }

  /** Puts `member` where its `dueAt` belongs, whether it is in the heap or not. */
  place(member: Member): void {
    if (member.heapIndex < 0) {
      member.heapIndex = this.members.length;
      this.members.push(member);
    }
    this.rise(member);
    this.sink(member);
  }

  /** Takes `member` out; harmless when it is not in. */
  remove(member: Member): void {
    const index = member.heapIndex;
    if (index < 0) return;
    member.heapIndex = -1;
    const last = this.members.pop()!;
    if (last === member) return;
    this.set(last, index);
    this.rise(last);
    this.sink(last);
  }

  private rise(member: Member): void {
    while (member.heapIndex > 0) {
      const index = member.heapIndex;
      const parent = this.members[(index - 1) >> 1]!;
      if (parent.dueAt <= member.dueAt) return;
      this.set(member, parent.heapIndex);
      this.set(parent, index);
    }
  }

  private sink(member: Member): void {
    for (;;) {
      const index = member.heapIndex;
      const left = this.members[2 * index + 1];
      const right = this.members[2 * index + 2];
      const child = right !== undefined && right.dueAt < left!.dueAt ? right : left;
      if (child === undefined || member.dueAt <= child.dueAt) return;
      this.set(member, child.heapIndex);
      this.set(child, index);
    }
  }

  private set(member: Member, index: number): void {
    this.members[index] = member;
    member.heapIndex = index;
  }
}
