import type { WallMs } from '../clock/clock.ts';

/**
 * How what an event is about came out: it was answered (`success`), it failed (`failure`), a policy turned it away
 * (`refused`), it waits (`queued`), or it goes on after a wait (`admitted`).
 */
export type EventOutcome = 'success' | 'failure' | 'refused' | 'queued' | 'admitted';

/** What every event carries. */
export interface EventEnvelope<Type extends string = string> {
  /** The name of the event: `retry`. */
  readonly type: Type;
  /** The name of the pipeline whose call caused it; undefined when no call did, or the pipeline has no name. */
  readonly pipeline: string | undefined;
  /** The name of the policy that tells it; undefined when the pipeline itself does. */
  readonly policy: string | undefined;
  /** The key of the call, where it has one. */
  readonly key: string | undefined;
  /**
   * Which run of the user's function it is about, from 1: the last that began, 0 before the first; what a retry or a hedge
   * tells is about an attempt of its own, as it counts them. Undefined without a call.
   */
  readonly attempt?: number | undefined;
  /** How it came out; undefined for an event that is about no end, such as a state that changes. */
  readonly outcome?: EventOutcome | undefined;
  /** How long what has ended took, in milliseconds; undefined where nothing was measured. */
  readonly durationMs?: number | undefined;
  /** When it happened, by the wall clock. */
  readonly timestamp: WallMs;
}

/** The events of something, by name, each with what it carries beside the envelope. */
export type EventMap = object;

/** The whole event named `Type`. */
export type EventOf<Events extends EventMap, Type extends keyof Events & string> = EventEnvelope<Type> & Events[Type];

declare const others: unique symbol;

/** For the compiler only: part of the events of a source that may tell others besides. */
export interface TellsOthers {
  readonly [others]?: never;
}

/** Any event of `Events`; where others may come besides, only the envelope is known of it. */
export type AnyEventOf<Events extends EventMap> = typeof others extends keyof Events
  ? EventEnvelope
  : { [Type in keyof Events & string]: EventOf<Events, Type> }[keyof Events & string];

/** Something whose events can be listened to. */
export interface EventSource<Events extends EventMap = EventMap> {
  /** Calls `listener` at each event of one type, or with `'*'` at every event; returns what ends that. */
  on<Type extends keyof Events & string>(type: Type, listener: (event: EventOf<Events, Type>) => void): () => void;
  on(type: '*', listener: (event: AnyEventOf<Events>) => void): () => void;
}

/** A listener or a hook of the user's threw, which never changes what becomes of the call. */
export interface HookFailedEvent {
  /** Which hook: `listener of retry`, `retryIf`. */
  readonly hook: string;
  readonly error: unknown;
  readonly outcome: 'failure';
}
