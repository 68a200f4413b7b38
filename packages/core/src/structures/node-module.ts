/**
 * A module that only Node, Deno and Bun have, found at run time: the library loads in browsers too, and what needs more
 * than they have says so when it is made.
 */
export function nodeModule<Shape>(name: string): Shape | undefined {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.(name) as Shape | undefined;
}
