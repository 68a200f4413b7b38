import type { DisposableWhereKnown } from '../structures/disposable.ts';

export type { DisposableWhereKnown };

/** The right to run; give it back by `release` or by the end of a `using` block. A second time changes nothing. */
export type Permit = { release(): void } & DisposableWhereKnown;

/** A permit that `giveBack` takes back, once. It can be disposed of where the platform knows how. */
export function permitOf(giveBack: () => void): Permit {
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    giveBack();
  };
  return Object.assign({ release }, Symbol.dispose === undefined ? {} : { [Symbol.dispose]: release }) as Permit;
}
