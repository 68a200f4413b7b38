import type { Member } from './member.ts';
import type { LeaseMethods } from './pool-contract.ts';

/** Who takes a resource back. */
interface Lender<Resource> {
  takeBack(member: Member<Resource>, broken: boolean): void;
}

/** A resource on loan. */
export class LentResource<Resource> implements LeaseMethods<Resource> {
  private lender: Lender<Resource> | undefined;
  private readonly member: Member<Resource>;

  constructor(lender: Lender<Resource>, member: Member<Resource>) {
    this.lender = lender;
    this.member = member;
  }

  get resource(): Resource {
    return this.member.resource;
  }

  release(): void {
    this.giveBack(false);
  }

  discard(): void {
    this.giveBack(true);
  }

  /** The resource is to be checked before it is lent again, however short ago it was well. */
  doubt(): void {
    this.member.wellAt = -Infinity;
  }

  private giveBack(broken: boolean): void {
    const { lender } = this;
    // Only once: meanwhile it may be somebody else's.
    this.lender = undefined;
    lender?.takeBack(this.member, broken);
  }
}

const { dispose } = Symbol as { readonly dispose?: symbol };
if (dispose !== undefined) {
  Object.defineProperty(LentResource.prototype, dispose, {
    value(this: LentResource<unknown>) {
      this.release();
    },
  });
}
