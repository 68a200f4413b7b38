import { describe, expect, it, vi } from 'vitest';
import { refusal, withAttempts } from './outcome.ts';

describe('the outcome of a call that was refused', () => {
  it('makes its error once, when that is looked at', () => {
    const make = vi.fn((afterMs: number) => new Error(`again in ${afterMs} ms`));
    const refused = withAttempts(refusal(make, 5), 2);
    expect(make).not.toHaveBeenCalled();
    expect(refused).toMatchObject({ ok: false, attempts: 2, error: new Error('again in 5 ms') });
    expect((refused as { error: unknown }).error).toBe((refused as { error: unknown }).error);
    expect(make).toHaveBeenCalledTimes(1);
  });

  it('reads like any other in JSON and on a console, with its error', () => {
    const error = Object.assign(new Error('open'), { toJSON: () => 'open' });
    const refused = refusal(() => error);
    expect(JSON.stringify(refused)).toBe('{"ok":false,"error":"open","attempts":0}');
    const shown = refused as unknown as Readonly<Record<symbol, () => unknown>>;
    expect(shown[Symbol.for('nodejs.util.inspect.custom')]!()).toEqual({ ok: false, error, attempts: 0 });
  });
});
