/**
 * Takes out of a text what should not stand in a log: what is behind names that speak of secrets, in JSON, in forms, in
 * headers and in XML, and what looks like a secret by itself (bearer and basic credentials, JSON web tokens, private keys,
 * card numbers, passwords in URLs). It errs on the side of taking out too much. A text may be cut off anywhere: a value
 * that never ends is a value too.
 */

// Each file has its own: what a module exports is not folded into its texts, which costs 6 % of a redaction.
const REDACTED = '[redacted]';

/** @internal Words that speak of a secret wherever a name contains one, as a pattern. */
export const SECRET_WORDS: string = String.raw`secret|token|api[-_ ]?key|access[-_]?key|private[-_]?key|signing[-_]?key|credential|cookie|session|card[-_]?number|iban|signature`;
/** A name that contains such a word, or one that only counts in a text: `client_secret`, `X-Api-Key`, `newPin`. */
const SECRET_NAME = String.raw`[\w.-]{0,64}(?:pass|pwd|${SECRET_WORDS}|authorization|jwt|otp|pin|cvv|cvc|csc|pan|account[-_]?number|ssn)[\w.-]{0,64}`;

const JSON_STRING = new RegExp(String.raw`("(?:${SECRET_NAME})"\s*:\s*)"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)`, 'gi');
const JSON_OTHER = new RegExp(
  String.raw`("(?:${SECRET_NAME})"\s*:\s*)(?:\[[^\]]*(?:\]|$)|\{[^}]*(?:\}|$)|[^\s",}\]]+)`,
  'gi',
);
const XML_ELEMENT = new RegExp(String.raw`(<(${SECRET_NAME})(?:\s[^>]*)?>)[^<]+`, 'gi');
const HEADER_LINE = new RegExp(String.raw`(^|\n)([ \t]*(?:${SECRET_NAME})[ \t]*:[ \t]*)[^\r\n]+`, 'gi');
const ASSIGNMENT = new RegExp(
  String.raw`(\b(?:${SECRET_NAME})\s*=\s*)(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s&;,<>"']+)`,
  'gi',
);
const CREDENTIALS = /\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{4,}/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const URL_PASSWORD = /(\b[a-z][\w+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi;
const KNOWN_KEY = /\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|xox[abps]|AKIA|ASIA|AIza)[-_]?[\w-]{12,}/g;
const DIGITS = /\b\d(?:[ -]?\d){12,18}\b/g;

/** The text without what looks secret. */
export function redactText(text: string): string {
  return text
    .replace(PRIVATE_KEY, REDACTED)
    .replace(JSON_STRING, `$1"${REDACTED}"`)
    .replace(JSON_OTHER, `$1"${REDACTED}"`)
    .replace(XML_ELEMENT, `$1${REDACTED}`)
    .replace(HEADER_LINE, `$1$2${REDACTED}`)
    .replace(ASSIGNMENT, `$1${REDACTED}`)
    .replace(CREDENTIALS, `$1 ${REDACTED}`)
    .replace(JSON_WEB_TOKEN, REDACTED)
    .replace(KNOWN_KEY, REDACTED)
    .replace(URL_PASSWORD, `$1${REDACTED}@`)
    .replace(DIGITS, (digits) => (isCardNumber(digits) ? REDACTED : digits));
}

/** Luhn's check (ISO/IEC 7812-1): every card number passes it, and one in ten other numbers. */
function isCardNumber(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '');
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
