/** How property tests run: seeded, the same each time, longer when BREAKWATER_LONG is set. */
export function propertyRuns(numRuns: number): { readonly seed: number; readonly numRuns: number } {
  return { seed: 20_261_121, numRuns: long() ? numRuns * 20 : numRuns };
}

/** How many random schedules a comparison with a reference model (`*.model.test.ts`) goes through. */
export function modelRuns(): { readonly seed: number; readonly numRuns: number } {
  return { seed: 20_261_121, numRuns: long() ? 1_000_000 : 10_000 };
}

function long(): boolean {
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
  };
  return (process?.env?.['BREAKWATER_LONG'] ?? '') !== '';
}
