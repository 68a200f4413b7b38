/** What `using` needs, where the compiler's library knows it. */
export type DisposableWhereKnown = SymbolConstructor extends { readonly dispose: infer Key extends symbol }
  ? { readonly [Name in Key]: () => void }
  : unknown;
