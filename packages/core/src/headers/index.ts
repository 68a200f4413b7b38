export type { HeaderGetter, HeaderRecord, HeaderSource } from './header-source.ts';
export { parseRetryAfter, retryAfterMs } from './retry-after.ts';
export { parseQuotas, type Quota } from './quota.ts';
export { DEADLINE_HEADER, formatDeadline, parseDeadline } from './deadline.ts';
export { formatTraceparent, parseTraceparent, type TraceParent } from './traceparent.ts';
