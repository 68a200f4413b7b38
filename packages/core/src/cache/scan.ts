/** Keys by pattern. */
import type { CacheCore } from './cache-core.ts';
import { type CacheKey, escaped, keyOfTierKey, tierKey } from './cache-key.ts';

/** A text with `*` for any characters; or a row of such, in which `*` stays within its segment. */
export type KeyPattern = string | readonly (string | number)[];

const ROW = '\u001f';
/** How many deletions of a pattern run at once. */
const AT_ONCE = 64;

const regexText = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const redisText = (text: string): string => text.replaceAll(/[*?[\]\\^]/g, String.raw`\$&`);

/** A pattern as memory's keys and the second tier's keys are compared with it. */
class KeyMatcher {
  /** As Redis understands it; may match more than is meant. */
  readonly glob: string;
  private readonly memory: RegExp;

  constructor(pattern: KeyPattern) {
    if (typeof pattern === 'string') {
      this.memory = new RegExp(`^(?!${ROW})${pattern.split('*').map(regexText).join('.*')}$`, 's');
      this.glob = pattern
        .split('*')
        .map((part) => redisText(escaped(part)))
        .join('*');
    } else {
      const segments = pattern.map(String);
      const inMemory = segments.map((segment) =>
        segment
          .split('*')
          .map((part) => regexText(escaped(part)))
          .join('[^:]*'),
      );
      this.memory = new RegExp(`^${ROW}${inMemory.join(':')}$`, 's');
      this.glob = segments
        .map((segment) =>
          segment
            .split('*')
            .map((part) => redisText(escaped(part)))
            .join('*'),
        )
        .join(':');
    }
  }

  matches(text: string): boolean {
    return this.memory.test(text);
  }
}

/** The key as a caller gives it, of the key that memory knows. */
function callersKey(text: string): CacheKey {
  if (!text.startsWith(ROW)) return text;
  return text
    .slice(1)
    .split(':')
    .map((segment) => segment.replaceAll('%3A', ':').replaceAll('%25', '%'));
}

/** @internal */
export async function* scan<Value>(core: CacheCore<Value>, pattern: KeyPattern): AsyncGenerator<CacheKey, undefined> {
  const matcher = new KeyMatcher(pattern);
  const seen = new Set<string>();
  for (const [text, entry] of core.memory.entries()) {
    if (!core.fences.admits(entry) || !matcher.matches(text)) continue;
    seen.add(tierKey(text));
    yield callersKey(text);
  }
  if (core.tier === undefined) return;
  for await (const known of core.tier.scan(matcher.glob)) {
    const text = keyOfTierKey(known);
    if (text === undefined || seen.has(known) || !matcher.matches(text)) continue;
    seen.add(known);
    yield callersKey(text);
  }
}

/** @internal */
export async function deleteMatching<Value>(
  remove: (key: CacheKey) => Promise<unknown>,
  core: CacheCore<Value>,
  pattern: KeyPattern,
): Promise<number> {
  let deleted = 0;
  let running: Promise<unknown>[] = [];
  for await (const key of scan(core, pattern)) {
    deleted++;
    running.push(remove(key));
    if (running.length < AT_ONCE) continue;
    await Promise.all(running);
    running = [];
  }
  await Promise.all(running);
  return deleted;
}
