/** What to do about an error, by what kind of trouble it is; and where items go that failed for good. */
export { recovery } from './recovery.ts';
export type {
  Degradation,
  DegradedEvent,
  OutcomeCounter,
  OutcomeFacts,
  RecoveredEvent,
  Recovery,
  RecoveryEvents,
  RecoveryOptions,
  RecoveryRetryEvent,
  RecoveryStatistics,
  RestoredEvent,
  Strategies,
} from './recovery-options.ts';
export {
  degrading,
  failing,
  fallingBack,
  retrying,
  skipped,
  skipping,
  waiting,
  type DeadLetterSink,
  type RetryingOptions,
  type Skipped,
  type SkippingOptions,
  type Substitute,
  type WaitingOptions,
} from './strategies.ts';
export type { FailedCall, RecoveryStep, RecoveryStrategy } from './strategy.ts';
export { deadLetters } from './dead-letters.ts';
export { letterFile, type LetterFileOptions } from './letter-file.ts';
export {
  deadLettersDefaults,
  type DeadLetter,
  type DeadLetterEvent,
  type DeadLetterLostEvent,
  type DeadLetters,
  type DeadLettersEvents,
  type DeadLettersOptions,
  type DeadLettersRerunEvent,
  type DeadLettersStatistics,
  type LetterFacts,
  type LetterStore,
  type RerunContext,
  type RerunOptions,
  type RerunReport,
} from './letter.ts';
export { DeadLetterItemError, DeadLettersClosedError, DeadLettersFullError } from './errors.ts';
