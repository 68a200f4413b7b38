import { settings } from './settings.ts';
import type { Token } from './tokens.ts';

const REDACTED = '[redacted]';

/** The settings as a file would have them, without what is secret. */
export function shownConfiguration(values: ReadonlyMap<string, unknown>): Record<string, Record<string, unknown>> {
  const shown: Record<string, Record<string, unknown>> = {};
  for (const [path, value] of values) {
    const [group, name] = path.split('.') as [string, string];
    if (value === undefined) continue;
    (shown[group] ??= {})[name] =
      path === 'api.tokens' ? (value as readonly Token[]).map(shownToken) : shownValue(path, value);
  }
  return shown;
}

/** The paths of settings that differ, with whether they take effect while the service runs. */
export function changedSettings(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): readonly { readonly path: string; readonly isLive: boolean }[] {
  const same = (path: string): boolean => JSON.stringify(before.get(path)) === JSON.stringify(after.get(path));
  return Object.entries(settings).flatMap(([path, { isLive = false }]) => (same(path) ? [] : [{ path, isLive }]));
}

function shownValue(path: string, value: unknown): unknown {
  return settings[path]?.isSecret === true ? REDACTED : value;
}

const shownToken = ({ name, scopes }: Token): object => ({ name, scopes, token: REDACTED });
