/** What `using` needs, where the compiler's library knows it. */
export type DisposableWhereKnown = SymbolConstructor extends { readonly dispose: infer Key extends symbol }
  ? { readonly [Name in Key]: () => void }
  : unknown;

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
