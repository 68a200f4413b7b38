/** What the normaliser puts on the topic, checked by the contract's schema: a message is a reading, or it is bad and says why. */
import { readingMessageSchema, type ReadingMessage, readingOf } from '@breakwater/device-client/contract';
import type { WallMs } from 'breakwater/clock';
import { Compile } from 'typebox/compile';
import { parseExactJson, type JsonFault } from './exact-json.ts';
import type { FencedReading } from './fence.ts';
import { timestampUs } from './timestamp.ts';

/** What messages are held to. */
export interface MessageRules {
  /** How many bytes a message may have. */
  readonly maxMessageBytes: number;
  /** How far in the future a timestamp may lie, in milliseconds. */
  readonly maxSkewMs: number;
}

/** A reading, or what is wrong with the message. */
export type CheckedMessage = { readonly accepted: FencedReading } | { readonly faults: readonly JsonFault[] };

/** Checks the bytes of one message. */
export function checkMessage(
  bytes: Uint8Array | null,
  offset: number,
  now: WallMs,
  rules: MessageRules,
): CheckedMessage {
  if (bytes === null || bytes.byteLength === 0) return bad('', 'empty');
  if (bytes.byteLength > rules.maxMessageBytes) {
    return bad('', `${bytes.byteLength} bytes, above the ${rules.maxMessageBytes} that are allowed`);
  }
  const parsed = parseExactJson(bytes);
  return 'fault' in parsed ? { faults: [parsed.fault] } : checkReading(parsed.value, offset, now, rules);
}

/** Checks what was parsed already. */
export function checkReading(value: unknown, offset: number, now: WallMs, rules: MessageRules): CheckedMessage {
  if (!messages.Check(value)) return { faults: faultsOf(value) };
  const message: ReadingMessage = value;
  const moment = timestampUs(message.timestamp);
  if (moment === undefined) return bad('/timestamp', 'no date and time from 1970 on');
  if (moment > (now + rules.maxSkewMs) * 1_000) {
    return bad('/timestamp', `more than ${rules.maxSkewMs} ms in the future`);
  }
  return { accepted: { reading: readingOf(message), timestampUs: moment, offset } };
}

const messages = Compile(readingMessageSchema);

/** How many faults of one message are told. */
const MOST_FAULTS = 10;

function faultsOf(value: unknown): JsonFault[] {
  const faults = messages.Errors(value).map(({ instancePath, message }) => ({ at: instancePath, reason: message }));
  // A union tells of each of its members that it wasn't: the first word on a place is enough.
  const first = new Map<string, JsonFault>();
  for (const fault of faults) if (!first.has(fault.at)) first.set(fault.at, fault);
  return [...first.values()].slice(0, MOST_FAULTS);
}

function bad(at: string, reason: string): CheckedMessage {
  return { faults: [{ at, reason }] };
}

/** Faults in one line, for dead letters and answers. */
export function describeFaults(faults: readonly JsonFault[]): string {
  return faults.map(({ at, reason }) => (at === '' ? reason : `${at}: ${reason}`)).join('; ');
}
