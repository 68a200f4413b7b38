/**
 * A rejection by a policy is made thousands of times a second when an upstream is down, and its stack points into the
 * library, not at a fault. So it has none unless asked for: a stack costs ten times what the error costs.
 */
let withStacks = false;

/** Whether rejections by policies carry a stack; default false. For the search of a caller that one can't find. */
export function captureRejectionStacks(enabled: boolean): void {
  withStacks = enabled;
}

/** @internal Makes an error without a stack, unless stacks were asked for. */
export function withoutStack<E extends Error>(make: () => E): E {
  if (withStacks) return make();
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Where an engine has it; V8 does. */
declare global {
  interface ErrorConstructor {
    stackTraceLimit: number;
  }
}
