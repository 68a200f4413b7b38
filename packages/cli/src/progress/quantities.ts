/** `12,345`: the same on every machine, whatever its locale. */
export function inThousands(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 row`, `2 rows`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${inThousands(count)} ${count === 1 ? one : many}`;
}

/** A duration as people say it, in at most two units: `340 ms`, `12.4 s`, `3 min 20 s`, `1 h 5 min`. */
export function spoken(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${Number((ms / 1_000).toFixed(1))} s`;
  return spokenCoarsely(ms);
}

/** The same in whole seconds, for what is counted down: `12 s`. Rounded up, so that it says 0 only at the end. */
export function spokenCoarsely(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** Per second, or per minute where that would be less than one. */
export function spokenRate(perSecond: number): string {
  if (perSecond >= 10) return `${inThousands(perSecond)}/s`;
  return perSecond >= 1 || perSecond === 0
    ? `${Number(perSecond.toFixed(1))}/s`
    : `${Number((perSecond * 60).toFixed(1))}/min`;
}
