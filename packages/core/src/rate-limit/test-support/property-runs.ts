/** How property tests of this library run: seeded, the same each time, longer when BREAKWATER_LONG is set. */
export function propertyRuns(numRuns: number): { readonly seed: number; readonly numRuns: number } {
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
  };
  const long = (process?.env?.['BREAKWATER_LONG'] ?? '') !== '';
  return { seed: 20_261_121, numRuns: long ? numRuns * 20 : numRuns };
}
