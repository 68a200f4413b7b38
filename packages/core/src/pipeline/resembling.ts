/** `made` with the name and the number of parameters of `original`: some frameworks go by them, and stacks show one. */
export function resembling<Fn extends (this: never, ...parameters: never) => unknown>(
  original: { readonly name: string; readonly length: number },
  made: Fn,
): Fn {
  const { name, length } = original;
  return Object.defineProperties(made, {
    name: { value: name, configurable: true },
    length: { value: length, configurable: true },
  });
}
