/**
 * Makes plain data of anything, without what should not leave: values under names that speak of secrets, header by
 * header in whatever form headers come; query strings; what looks like a secret by itself. And what was found under
 * such a name is taken out wherever else it appears in the same data: a token in `details` is none of the message's
 * business either. Stacks are left out. Data is bounded in depth and breadth, cycles end.
 */
import { REDACTED, redactText, SECRET_WORDS } from './redact-text.ts';

const MOST_DEPTH = 8;
const MOST_ENTRIES = 100;
const MOST_TEXT = 10_000;
/** Shorter values are taken for words, not secrets: to strike out every `1` helps nobody. */
const SHORTEST_SECRET = 4;

const SECRET_KEY = new RegExp(
  String.raw`${SECRET_WORDS}|^pass$|^pwd$|auth(?:orization|entication)|^auth$|^jwt$|^otp$|^pin$|^cvv|^cvc|^ssn$|connection[-_]?string|^dsn$`,
  'i',
);
const QUERY = /((?:\b[a-z][\w+.-]*:\/\/|\/)[^\s?#"'<>`]*)\?[^\s"'<>`]+/gi;
const USER_INFO = /(\b[a-z][\w+.-]*:\/\/)[^\s/@]+@/gi;

/** Whether a name speaks of a secret: `password`, `X-Api-Key`. */
export function isSecretName(name: string): boolean {
  return SECRET_KEY.test(name);
}

/** What a {@link redactor} takes out besides what it always does. */
export interface RedactionOptions {
  /** Names of keys whose values are secret, in any case: words that are the whole name, or patterns. */
  readonly keys?: readonly (string | RegExp)[] | undefined;
  /** What is secret in a text. */
  readonly patterns?: readonly RegExp[] | undefined;
  /** Values that are secret wherever they appear, such as the service's own API key. */
  readonly values?: readonly string[] | undefined;
  /** Names of keys whose values are none, though their names speak of it, such as `tokenCount`. */
  readonly keep?: readonly string[] | undefined;
}

/** Takes out what should not leave. */
export interface Redactor {
  /** A text without it. */
  text(text: string): string;
  /** Anything as plain data without it: fit for `JSON.stringify`, and never throws. */
  value(value: unknown): unknown;
}

/** A redactor that takes out what is always taken out, and what is named here. */
export function redactor({ keys = [], patterns = [], values = [], keep = [] }: RedactionOptions = {}): Redactor {
  const secret = keys.map((key) =>
    typeof key === 'string' ? new RegExp(`^${escaped(key)}$`, 'i') : withoutState(key),
  );
  return new CarefulRedactor(
    (name) => !keep.includes(name) && (isSecretName(name) || secret.some((pattern) => pattern.test(name))),
    patterns.map((pattern) => new RegExp(pattern.source, addFlag(pattern.flags))),
    values.filter((value) => value !== ''),
  );
}

class CarefulRedactor implements Redactor {
  private readonly isSecret: (name: string) => boolean;
  private readonly patterns: readonly RegExp[];
  private readonly values: readonly string[];

  constructor(isSecret: (name: string) => boolean, patterns: readonly RegExp[], values: readonly string[]) {
    this.isSecret = isSecret;
    this.patterns = patterns;
    this.values = values;
  }

  text(text: string): string {
    return this.strike(text, this.values);
  }

  value(value: unknown): unknown {
    const found = new Set(this.values);
    const plain = this.plain(value, found, []);
    const secrets = [...found].toSorted((a, b) => b.length - a.length);
    return this.struck(plain, secrets);
  }

  private strike(text: string, secrets: readonly string[]): string {
    // What lies on the edge is cut off after it was looked at, so that no half of a secret is left.
    let clean = text.slice(0, 2 * MOST_TEXT);
    for (const secret of secrets) clean = clean.replaceAll(secret, REDACTED);
    for (const pattern of this.patterns) clean = clean.replace(pattern, REDACTED);
    clean = clean.replace(QUERY, `$1?${REDACTED}`).replace(USER_INFO, `$1${REDACTED}@`);
    clean = redactText(clean);
    return clean.length > MOST_TEXT ? `${clean.slice(0, MOST_TEXT)}…` : clean;
  }

  /**
   * Copies what is there, leaves out what is under a secret name, and notes it in `found`.
   *
   * @param above What this stands in, the outermost first.
   */
  private plain(value: unknown, found: Set<string>, above: readonly object[]): unknown {
    if (typeof value === 'bigint') return `${value}`;
    if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
    if (typeof value !== 'object' || value === null) return value;
    if (above.includes(value)) return '[circular]';
    if (above.length >= MOST_DEPTH) return '[deep]';
    try {
      return this.plainObject(value, found, [...above, value]);
    } catch {
      // A getter of somebody's that throws must not keep an error from being told.
      return '[unreadable]';
    }
  }

  private plainObject(value: object, found: Set<string>, above: readonly object[]): unknown {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof URL || value instanceof RegExp) return String(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value) || value instanceof Set) return this.plainList([...value], found, above);
    const entries = entriesOf(value)
      .slice(0, MOST_ENTRIES)
      .filter(([key]) => key !== 'stack')
      .map(([key, inner]) => [key, this.isSecret(key) ? noteSecret(inner, found) : this.plain(inner, found, above)]);
    return Object.fromEntries(entries) as unknown;
  }

  /** Headers also come as pairs, or as a flat list of names and values in turn. */
  private plainList(list: readonly unknown[], found: Set<string>, above: readonly object[]): unknown[] {
    return list.slice(0, MOST_ENTRIES).map((element, index) => {
      const name = list[index - 1];
      const follows = index % 2 === 1 && typeof name === 'string' && name.length <= 64 && this.isSecret(name);
      return follows ? noteSecret(element, found) : this.plain(element, found, above);
    });
  }

  /** The copy again, each text and each name without the secrets that were found. */
  private struck(plain: unknown, secrets: readonly string[]): unknown {
    if (typeof plain === 'string') return this.strike(plain, secrets);
    if (Array.isArray(plain)) return plain.map((element: unknown) => this.struck(element, secrets));
    if (typeof plain !== 'object' || plain === null) return plain;
    const entries = Object.entries(plain).map(([key, inner]) => [
      this.strike(key, secrets),
      this.struck(inner, secrets),
    ]);
    return Object.fromEntries(entries) as unknown;
  }
}

/** Notes a secret and its parts in `found`, whatever it is made of; returns what stands in its place. */
function noteSecret(secret: unknown, found: Set<string>): string {
  const parts = typeof secret === 'string' ? [secret, ...secret.split(/[\s;,]+/)] : [];
  for (const part of parts) {
    if (part.length >= SHORTEST_SECRET && !/^(?:bearer|basic|digest|negotiate|null|true|false|none)$/i.test(part))
      found.add(part);
  }
  if (typeof secret === 'object' && secret !== null)
    for (const inner of Object.values(secret)) noteSecret(inner, found);
  return REDACTED;
}

/** The entries of a record, a Map, or something that has entries as headers have; of an error, what is worth telling. */
function entriesOf(value: object): [string, unknown][] {
  if (value instanceof Error) {
    const { name, message, cause } = value;
    const told: [string, unknown][] = [['name', name], ['message', message], ...Object.entries(value)];
    return cause === undefined ? told : [...told, ['cause', cause]];
  }
  const { entries } = value as { readonly entries?: unknown };
  if (typeof entries !== 'function' || Object.hasOwn(value, 'entries')) return Object.entries(value);
  return Array.from(entries.call(value) as Iterable<[unknown, unknown]>, ([key, inner]) => [String(key), inner]);
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const addFlag = (flags: string): string => (flags.includes('g') ? flags : `${flags}g`);
/** A pattern that is sticky or global remembers where it was: one test would depend on the one before. */
const withoutState = (pattern: RegExp): RegExp => new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));

/** What takes out what is always taken out. */
export const defaultRedactor: Redactor = /* @__PURE__ */ new CarefulRedactor(isSecretName, [], []);
