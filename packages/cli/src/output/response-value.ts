import { onOneLine, rawValue } from '../json/raw-value.ts';

/** What of a response's body is kept. `value` is JSON text. */
export type ResponseValue =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'not-json'; readonly message: string }
  | { readonly kind: 'no-such-value'; readonly message: string };

/**
 * @param contentType Says whether the body claims to be JSON; text of another type is kept as a string.
 * @param pointer Tokens of `--select`, or undefined to keep all.
 */
export function responseValue(
  body: string,
  contentType: string | null,
  pointer: readonly string[] | undefined,
): ResponseValue {
  const claimsJson = contentType !== null && /[/+]json\b/i.test(contentType);
  if (body === '') {
    if (pointer !== undefined)
      return { kind: 'no-such-value', message: 'the response is empty, --select finds nothing in it' };
    return { kind: 'value', value: 'null' };
  }
  if (!claimsJson && pointer === undefined) return { kind: 'value', value: JSON.stringify(body) };
  try {
    JSON.parse(body);
  } catch (error) {
    return { kind: 'not-json', message: `the response is not valid JSON: ${(error as Error).message.slice(0, 120)}` };
  }
  if (pointer === undefined) return { kind: 'value', value: onOneLine(body.trim()) };
  const value = rawValue(body, pointer);
  if (value !== undefined) return { kind: 'value', value: onOneLine(value) };
  return { kind: 'no-such-value', message: `the response has nothing at ${pointerText(pointer)}` };
}

function pointerText(pointer: readonly string[]): string {
  return pointer.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
