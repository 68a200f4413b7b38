import type { HookFailedEvent } from '../events/event.ts';

/** A call has ended. */
export interface CallEndedEvent {
  readonly outcome: 'success' | 'failure';
  /** How long it took, waits included. */
  readonly durationMs: number;
  /** How many times the user's function was started. */
  readonly attempts: number;
  /** Only when the call failed. */
  readonly error?: unknown;
}

/** A run of the user's function has ended, and its call goes on from there. */
export interface AttemptEndedEvent {
  readonly attempt: number;
  readonly outcome: 'success' | 'failure';
  /** How long the function took. */
  readonly durationMs: number;
  /** Only when it failed. */
  readonly error?: unknown;
}

/** A run of the user's function ended after its call had stopped waiting for it; its outcome changed nothing. */
export interface LateResultEvent {
  readonly attempt: number;
  readonly outcome: 'success' | 'failure';
  /** How long the function took; known when somebody listened as it began. */
  readonly durationMs: number | undefined;
  /** What it answered; only when it did. */
  readonly value?: unknown;
  /** Only when it failed. */
  readonly error?: unknown;
}

/** The events that every pipeline tells. */
export interface PipelineEvents {
  'call-ended': CallEndedEvent;
  'attempt-ended': AttemptEndedEvent;
  'late-result': LateResultEvent;
  'hook-failed': HookFailedEvent;
}
