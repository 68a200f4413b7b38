/** A module of the runtime, where it has it: the client runs in browsers too. */
export function nodeModule<Shape>(name: string): Shape | undefined {
  const { process } = globalThis as {
    readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.(name) as Shape | undefined;
}
