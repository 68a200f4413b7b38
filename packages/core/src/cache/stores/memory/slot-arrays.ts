/** A longer copy of an array, of exactly that length: one that grows by itself takes half as much again. */
export function roomier<Item>(items: readonly (Item | undefined)[], length: number): (Item | undefined)[] {
  const longer = new Array<Item | undefined>(length).fill(undefined);
  for (let at = 0; at < items.length; at++) longer[at] = items[at];
  return longer;
}

/** A longer copy of an array of numbers. */
export function larger(array: Float64Array, length: number): Float64Array {
  const grown = new Float64Array(length);
  grown.set(array);
  return grown;
}
