import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { hedge } from '../hedge/hedge.ts';
import type { CallWatcher } from '../policy/call-watcher.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Call, HookPolicy } from '../policy/policy.ts';
import { retry } from '../retry/retry.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline } from './pipeline.ts';

/** Writes down what it sees of calls whose key is not `ignored`. */
class Witness implements HookPolicy {
  readonly kind = 'witness';
  readonly watcher: CallWatcher;
  readonly name: string;

  constructor(name: string, seen: string[]) {
    this.name = name;
    const note = (kept: unknown, text: string): void => void seen.push(`${name} ${String(kept)} ${text}`);
    this.watcher = {
      run: (kept, { attempt }, run) => {
        note(kept, `begins ${attempt}`);
        const result = run();
        note(kept, `began ${attempt}`);
        return result;
      },
      runEnded: (kept, { attempt }, outcome) => note(kept, `${outcome.ok ? 'answered' : 'failed'} ${attempt}`),
      told: (kept, { type }) => note(kept, type),
    };
  }

  enter(call: Call, at: number): undefined {
    if (call.key !== 'ignored') call.keep(at, call.key ?? this.name);
  }

  leave(call: Call, at: number, outcome: Outcome): Outcome {
    call.keep(at, undefined);
    return outcome;
  }

  cancel(call: Call, at: number): void {
    call.keep(at, undefined);
  }
}

describe('a policy that watches its calls', () => {
  it('stands around each run, the outermost first, and hears the events of the call', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const calls = pipeline({ clock }, new Witness('out', seen), retry({ maxAttempts: 2 }), new Witness('in', seen));
    const done = calls.execute(
      ({ attempt }) => {
        if (attempt === 1) throw new Error('not yet');
        return 'item';
      },
      { key: 'k' },
    );
    await clock.advance(10_000);
    await done;
    expect(seen).toEqual([
      'out k begins 1',
      'in k begins 1',
      'in k failed 1',
      'out k failed 1',
      'out k retry',
      'out k begins 2',
      'in k begins 2',
      'in k began 2',
      'out k began 2',
      'in k answered 2',
      'out k answered 2',
    ]);
  });

  it('is told once of the end of a run that is given up, and nothing when its function ends later', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const calls = pipeline({ clock }, new Witness('w', seen), hedge({ delayMs: 10 }), timeout({ timeoutMs: 50 }));
    const ends: ((value: string) => void)[] = [];
    const done = calls.execute(() => new Promise<string>((resolve) => ends.push(resolve)));
    await clock.advance(20);
    ends[1]!('item');
    await done;
    ends[0]!('late');
    await clock.advance(1_000);
    expect(seen.filter((text) => !text.includes('beg'))).toEqual([
      'w w hedge',
      'w w answered 2',
      'w w failed 1',
      'w w hedge-won',
    ]);
  });

  it('is told nothing of a call of which it keeps nothing', async () => {
    const seen: string[] = [];
    await pipeline(new Witness('w', seen), retry()).execute(() => 'item', { key: 'ignored' });
    expect(seen).toEqual([]);
  });
});
