export { failure, refusal, success, type Failure, type Outcome, type Success } from './outcome.ts';
export type { CallOptions, ExecutionContext, SyncCallOptions } from './context.ts';
export type { BatchReason, BatchWatch, BatchWatcher, DepartingBatch } from './batch-watcher.ts';
export type { CallWatcher } from './call-watcher.ts';
export type { Priority } from './priority.ts';
export {
  AGAIN,
  WAIT,
  type Again,
  type AnyEventSource,
  type AroundPolicy,
  type Call,
  type Fork,
  type HookPolicy,
  type Policy,
  type PolicyHooks,
  type PolicyIdentity,
  type Scope,
  type Wait,
} from './policy.ts';
export type { PolicyOptions } from './policy-base.ts';
