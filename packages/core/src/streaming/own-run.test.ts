import { describe, expect, it } from 'vitest';
import type { ExecutionContext } from '../policy/context.ts';
import { OwnRun } from './own-run.ts';

/** A context of somebody else's, such as another copy of the library has. */
function contextOf(signal: AbortSignal): ExecutionContext {
  return { signal, attempt: 2, pipeline: 'stock', key: 'a', priority: 'high', remainingMs: 500 };
}

describe('a run that may be ended for reasons of its own', () => {
  it('says what the one around it says', () => {
    const run = new OwnRun(contextOf(new AbortController().signal)).follow();
    expect([run.attempt, run.pipeline, run.key, run.priority, run.remainingMs]).toEqual([2, 'stock', 'a', 'high', 500]);
    run.release();
  });

  it('is aborted with the one around it, by the same reason, also where that was aborted before', () => {
    const outer = new AbortController();
    const reasons: unknown[] = [];
    const run = new OwnRun(contextOf(outer.signal), (reason) => reasons.push(reason)).follow();
    outer.abort('gone');
    const late = new OwnRun(contextOf(outer.signal), (reason) => reasons.push(reason)).follow();
    expect([run.signal.reason, late.signal.reason, reasons]).toEqual(['gone', 'gone', ['gone', 'gone']]);
  });

  it('leaves the one around it alone when it is aborted itself, has no time then, and hears no more of it', () => {
    const outer = new AbortController();
    const reasons: unknown[] = [];
    const run = new OwnRun(contextOf(outer.signal), (reason) => reasons.push(reason)).follow();
    run.abort('slow');
    expect([run.signal.reason, run.remainingMs, outer.signal.aborted]).toEqual(['slow', 0, false]);
    outer.abort('gone');
    expect([run.signal.reason, reasons]).toEqual(['slow', []]);
  });
});
