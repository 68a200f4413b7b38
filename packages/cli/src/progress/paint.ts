import { styleText } from 'node:util';

/** What a piece of text means; how that looks is decided here and nowhere else. */
export type Tone = 'good' | 'bad' | 'warn' | 'faint' | 'strong' | 'plain';
export type Paint = (tone: Tone, text: string) => string;

export const uncoloured: Paint = (_tone, text) => text;

const FORMATS = { good: 'green', bad: 'red', warn: 'yellow', faint: 'dim', strong: 'bold' } as const;

// The stream is judged by `wantsColour`: styleText itself would ask stdout, and progress is drawn elsewhere.
export const coloured: Paint = (tone, text) =>
  tone === 'plain' || text === '' ? text : styleText(FORMATS[tone], text, { validateStream: false });

/** Colour needs a terminal that has it; NO_COLOR (https://no-color.org) forbids it, FORCE_COLOR brings it anywhere. */
export function wantsColour(
  stream: { readonly isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
  allowed = true,
): boolean {
  if (!allowed || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
