/** What a `traceparent` header says (W3C Trace Context, level 1). */
export interface TraceParent {
  /** 32 hex digits, lower case, not all 0. */
  readonly traceId: string;
  /** The caller's span: 16 hex digits, lower case, not all 0. */
  readonly parentId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
}

const FORM = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** Reads a `traceparent` header; undefined when it is not valid. Versions above 00 are read as far as 00 goes. */
export function parseTraceparent(value: string | null | undefined): TraceParent | undefined {
  const [, version, traceId, parentId, flags, more] = FORM.exec(value?.trim() ?? '') ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined || flags === undefined) return undefined;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` header of version 00. */
export function formatTraceparent(trace: TraceParent): string {
  return `00-${trace.traceId}-${trace.parentId}-${trace.sampled ? '01' : '00'}`;
}
