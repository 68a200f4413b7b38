/** Freezes a value and everything in it; bytes can't be frozen and stay as they are. */
export function deepFrozen<Value>(value: Value): Value {
  const waiting: unknown[] = [value];
  for (let part = waiting.pop(); waiting.length > 0 || part !== undefined; part = waiting.pop()) {
    if (typeof part !== 'object' || part === null || Object.isFrozen(part)) continue;
    if (ArrayBuffer.isView(part) || part instanceof ArrayBuffer) continue;
    Object.freeze(part);
    for (const inner of Object.values(part)) if (typeof inner === 'object' && inner !== null) waiting.push(inner);
  }
  return value;
}
