import type { EventSource, HookFailedEvent } from '../../events/event.ts';

/** How the measurements of a window become one number. */
export type AlertAggregate = 'mean' | 'max' | 'min' | 'last';

/** When somebody should look. Exactly one of `above` and `below` is given. */
export interface AlertRule {
  /** The number to watch; undefined or NaN where it is not known at present. */
  readonly measure: () => number | undefined;
  /** It is a matter when the number is above this. */
  readonly above?: number | undefined;
  /** It is a matter when the number is below this. */
  readonly below?: number | undefined;
  /**
   * Where the matter is over: the number must be at or below this for `above`, at or above it for `below`. A distance
   * from the threshold keeps an alert from coming and going. Default: 0.9 times `above`, 1.1 times `below`.
   */
  readonly clearAt?: number | undefined;
  /** Over how long measurements are taken together, in milliseconds, above 0; default 60,000. */
  readonly windowMs?: number | undefined;
  /** By what they are taken together: their `mean`, `max`, `min`, or the `last` of them; default `mean`. */
  readonly aggregate?: AlertAggregate | undefined;
  /** For how long it must have been a matter before anybody is told, in milliseconds, at least 0; default 60,000. */
  readonly forMs?: number | undefined;
  /** For how long it must be over before that is told, in milliseconds, at least 0; default 0. */
  readonly clearForMs?: number | undefined;
  /** What to say: plain text for whoever is woken. Default: the name and the threshold. */
  readonly summary?: string | undefined;
  /** How urgent it is, in words of your own, such as `page` or `ticket`; default `page`. */
  readonly urgency?: string | undefined;
}

/**
 * Where a rule stands: nothing is the matter; something is, but not for long enough; somebody has been told; or it was
 * told, and is over, but not for long enough.
 */
export type AlertState = 'quiet' | 'pending' | 'firing' | 'clearing';

/** A rule and where it stands. */
export interface AlertStatus {
  readonly name: string;
  readonly state: AlertState;
  /** For how long it has been in that state, in milliseconds. */
  readonly timeInStateMs: number;
  /** The number as last evaluated; undefined where nothing was measured within the window. */
  readonly value: number | undefined;
  readonly threshold: number;
  readonly summary: string;
  readonly urgency: string;
}

/** Somebody should look. */
export interface AlertFiredEvent {
  readonly alert: string;
  readonly value: number;
  readonly threshold: number;
  readonly summary: string;
  readonly urgency: string;
}

/** It is over. */
export interface AlertClearedEvent {
  readonly alert: string;
  readonly value: number;
  readonly threshold: number;
  readonly summary: string;
  readonly urgency: string;
  /** For how long it had fired, in milliseconds. */
  readonly durationMs: number;
}

/** The events of alerts. */
export interface AlertEvents {
  'hook-failed': HookFailedEvent;
  'alert-fired': AlertFiredEvent;
  'alert-cleared': AlertClearedEvent;
}

/** Watches numbers; see {@link alertRules}. */
export interface Alerts {
  /** A measurement that throws is told as `hook-failed`, and is not known. */
  readonly events: EventSource<AlertEvents>;
  /** All rules, in their order. */
  readonly status: readonly AlertStatus[];
  /** Measures every `intervalMs` from now on; harmless when it does so already. */
  start(): void;
  /** Measures no more. What was measured is kept, and grows too old as time passes. */
  stop(): void;
  /** Measures and decides now, once. */
  evaluate(): void;
}
