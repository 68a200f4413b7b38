/** One consumer group: who is in it, which generation it is, what its leader has given to whom, and what was committed. */
import { randomUUID } from 'node:crypto';
import { errorCodes } from './error-codes.ts';

/** What a member says when it joins. */
export interface JoinRequest {
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface JoinAnswer {
  readonly error: number;
  readonly generation: number;
  readonly protocol: string;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly { readonly id: string; readonly metadata: Buffer }[];
}

export interface SyncAnswer {
  readonly error: number;
  readonly assignment: Buffer;
}

interface Member {
  readonly id: string;
  request: JoinRequest;
  answerJoin: ((answer: JoinAnswer) => void) | undefined;
  answerSync: ((answer: SyncAnswer) => void) | undefined;
  session: NodeJS.Timeout | undefined;
}

/** How long a rebalance waits for others before it begins: a group that starts together is balanced once. */
const GATHER_MS = 30;

const NOTHING = Buffer.alloc(0);

export class ConsumerGroup {
  generation: number = 0;
  /** By `topic/partition`. */
  readonly committed: Map<string, bigint> = new Map();
  private state: 'empty' | 'joining' | 'syncing' | 'stable' = 'empty';
  private readonly members: Map<string, Member> = new Map();
  private leader: string = '';
  private assignments: ReadonlyMap<string, Buffer> = new Map();
  private deadline: NodeJS.Timeout | undefined = undefined;

  get size(): number {
    return this.members.size;
  }

  join(request: JoinRequest): Promise<JoinAnswer> {
    const known = this.members.get(request.memberId);
    if (request.memberId !== '' && known === undefined) {
      return Promise.resolve(this.refusedJoin(errorCodes.unknownMemberId, request.memberId));
    }
    const id = known?.id ?? `member-${randomUUID()}`;
    return new Promise((answerJoin) => {
      clearTimeout(known?.session);
      this.members.set(id, { id, request, answerJoin, answerSync: undefined, session: undefined });
      this.rebalance();
    });
  }

  sync(memberId: string, generation: number, given: ReadonlyMap<string, Buffer>): Promise<SyncAnswer> {
    const fault = this.faultOf(memberId, generation);
    if (fault !== errorCodes.none) return Promise.resolve({ error: fault, assignment: NOTHING });
    const member = this.members.get(memberId)!;
    this.stayAlive(member);
    if (this.state === 'joining')
      return Promise.resolve({ error: errorCodes.rebalanceInProgress, assignment: NOTHING });
    if (this.state === 'stable') return Promise.resolve(this.assignmentOf(memberId));
    return new Promise((answerSync) => {
      member.answerSync = answerSync;
      if (memberId !== this.leader) return;
      this.assignments = given;
      this.state = 'stable';
      for (const one of this.members.values()) {
        one.answerSync?.(this.assignmentOf(one.id));
        one.answerSync = undefined;
      }
    });
  }

  heartbeat(memberId: string, generation: number): number {
    const fault = this.faultOf(memberId, generation);
    if (fault !== errorCodes.none) return fault;
    this.stayAlive(this.members.get(memberId)!);
    return this.state === 'stable' || this.state === 'syncing' ? errorCodes.none : errorCodes.rebalanceInProgress;
  }

  leave(memberId: string): number {
    if (!this.members.has(memberId)) return errorCodes.unknownMemberId;
    this.remove(memberId);
    return errorCodes.none;
  }

  /** Whether a member may commit; somebody without a generation only looks after the group's offsets. */
  commitFault(memberId: string, generation: number): number {
    if (generation < 0 && this.members.size === 0) return errorCodes.none;
    return this.faultOf(memberId, generation);
  }

  close(): void {
    clearTimeout(this.deadline);
    for (const { session } of this.members.values()) clearTimeout(session);
  }

  private rebalance(): void {
    if (this.state !== 'joining') {
      this.state = 'joining';
      for (const member of this.members.values()) {
        member.answerSync?.({ error: errorCodes.rebalanceInProgress, assignment: NOTHING });
        member.answerSync = undefined;
      }
    }
    clearTimeout(this.deadline);
    const isWhole = [...this.members.values()].every(({ answerJoin }) => answerJoin !== undefined);
    const longest = Math.max(0, ...[...this.members.values()].map(({ request }) => request.rebalanceTimeoutMs));
    this.deadline = setTimeout(() => this.completeJoin(), isWhole ? GATHER_MS : longest);
  }

  /** Everybody is there, or has had the time to come. */
  private completeJoin(): void {
    for (const { id, answerJoin } of [...this.members.values()]) if (answerJoin === undefined) this.members.delete(id);
    if (this.members.size === 0) {
      this.state = 'empty';
      return;
    }
    this.generation++;
    this.state = 'syncing';
    if (!this.members.has(this.leader)) this.leader = [...this.members.keys()][0]!;
    const protocol = this.protocol();
    const members = [...this.members.values()].map(({ id, request }) => ({
      id,
      metadata: request.protocols.find(({ name }) => name === protocol)?.metadata ?? NOTHING,
    }));
    for (const member of this.members.values()) {
      const { id, answerJoin } = member;
      member.answerJoin = undefined;
      this.stayAlive(member);
      const listed = id === this.leader ? members : [];
      answerJoin?.({
        error: 0,
        generation: this.generation,
        protocol,
        leader: this.leader,
        memberId: id,
        members: listed,
      });
    }
  }

  /** The first that everybody knows. */
  private protocol(): string {
    const [first, ...others] = [...this.members.values()].map(({ request }) =>
      request.protocols.map(({ name }) => name),
    );
    return first?.find((name) => others.every((names) => names.includes(name))) ?? '';
  }

  private stayAlive(member: Member): void {
    clearTimeout(member.session);
    member.session = setTimeout(() => this.remove(member.id), member.request.sessionTimeoutMs);
  }

  private remove(memberId: string): void {
    clearTimeout(this.members.get(memberId)?.session);
    this.members.delete(memberId);
    if (this.members.size === 0) {
      clearTimeout(this.deadline);
      this.state = 'empty';
    } else this.rebalance();
  }

  private assignmentOf(memberId: string): SyncAnswer {
    return { error: errorCodes.none, assignment: this.assignments.get(memberId) ?? NOTHING };
  }

  private faultOf(memberId: string, generation: number): number {
    if (!this.members.has(memberId)) return errorCodes.unknownMemberId;
    return generation === this.generation ? errorCodes.none : errorCodes.illegalGeneration;
  }

  private refusedJoin(error: number, memberId: string): JoinAnswer {
    return { error, generation: -1, protocol: '', leader: '', memberId, members: [] };
  }
}
