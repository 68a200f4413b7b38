import type { ConfigurationFault } from 'breakwater/errors';

/** What a token allows: `read` to ask and to watch, `write` to change. */
export type Scope = 'read' | 'write';

/** Somebody's way in. */
export interface Token {
  /** Who it is, in logs and for the rate limit. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** 16 to 512 visible characters. */
  readonly token: string;
}

const SECRET = /^[\x21-\x7e]{16,512}$/;
const NAME = /^[\w.@-]{1,64}$/;

/** Checks a list of tokens as a file has it; what is wrong goes to `faults`, without the secret. */
export function tokensOf(value: unknown, path: string, faults: ConfigurationFault[]): readonly Token[] {
  if (!Array.isArray(value)) {
    faults.push({ path, expected: 'a list of tokens', received: typeof value });
    return [];
  }
  const names = new Set<string>();
  return value.flatMap((entry: unknown, index) => {
    const { name, scopes, token } = Object(entry) as { readonly [field: string]: unknown };
    const at = `${path}.${index}`;
    const before = faults.length;
    if (typeof name !== 'string' || !NAME.test(name)) {
      faults.push({ path: `${at}.name`, expected: '1 to 64 letters, digits and . _ @ -', received: 'something else' });
    } else if (names.has(name)) {
      faults.push({ path: `${at}.name`, expected: 'a name of its own', received: `'${name}' again` });
    }
    if (
      !Array.isArray(scopes) ||
      scopes.length === 0 ||
      scopes.some((scope) => scope !== 'read' && scope !== 'write')
    ) {
      faults.push({ path: `${at}.scopes`, expected: "a list of 'read' and 'write'", received: 'something else' });
    }
    if (typeof token !== 'string' || !SECRET.test(token)) {
      faults.push({ path: `${at}.token`, expected: '16 to 512 visible characters', received: 'something else' });
    }
    if (faults.length > before) return [];
    names.add(name as string);
    return [{ name: name as string, scopes: scopes as readonly Scope[], token: token as string }];
  });
}

/** Tokens as an environment variable has them: `name:read+write:secret`, several separated by commas. */
export function tokensFromText(text: string): unknown {
  return text.split(',').map((entry) => {
    const [name = '', scopes = '', ...secret] = entry.trim().split(':');
    return { name, scopes: scopes.split('+'), token: secret.join(':') };
  });
}
