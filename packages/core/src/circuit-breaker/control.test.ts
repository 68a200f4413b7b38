import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { rejection } from '../testing/test-support/watched.ts';
import { circuitBreaker, type CircuitBreaker } from './circuit-breaker.ts';
import { circuitControl } from './control.ts';
import { guarded, up } from './test-support/guarded.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function three() {
  const control = circuitControl();
  const breakers = ['a', 'b', 'c'].map((name) => control.add(circuitBreaker({ clock, name })));
  return { control, breakers };
}

const states = (breakers: readonly CircuitBreaker[]): string[] => breakers.map(({ state }) => state);

describe('one control for many breakers', () => {
  it('commands them all', async () => {
    const { control, breakers } = three();
    const { breaker, calls } = guarded(clock);
    control.add(breaker);
    control.forceOpen('deployment');
    expect(states([...breakers, breaker])).toEqual(['open', 'open', 'open', 'open']);
    expect(breaker.history.at(-1)?.reason).toBe('deployment');
    expect(await rejection(calls.execute(up))).toMatchObject({ code: 'CIRCUIT_OPEN' });
    control.forceHalfOpen('done');
    expect(states(breakers)).toEqual(['half-open', 'half-open', 'half-open']);
    expect(breakers[0]!.history.at(-1)?.reason).toBe('done');
    control.reset();
    expect(states(breakers)).toEqual(['closed', 'closed', 'closed']);
  });

  it('isolates them all until it lets go, one holder among others', () => {
    const { control, breakers } = three();
    const own = breakers[0]!.isolate('mine');
    const release = control.isolate('maintenance');
    expect(states(breakers)).toEqual(['isolated', 'isolated', 'isolated']);
    expect(breakers[1]!.history.at(-1)?.reason).toBe('maintenance');
    release();
    release();
    expect(states(breakers)).toEqual(['isolated', 'closed', 'closed']);
    own();
    expect(states(breakers)).toEqual(['closed', 'closed', 'closed']);
  });

  it('holds several isolations at a time', () => {
    const { control, breakers } = three();
    const releases = [control.isolate('one'), control.isolate()];
    releases[0]!();
    expect(states(breakers)).toEqual(['isolated', 'isolated', 'isolated']);
    releases[1]!();
    expect(states(breakers)).toEqual(['closed', 'closed', 'closed']);
  });

  it('isolates a breaker that is added meanwhile, for as long as the others, and none that is added later', () => {
    const { control } = three();
    const release = control.isolate('maintenance');
    const late = control.add(circuitBreaker({ clock }));
    expect([late.state, late.history.at(-1)?.reason]).toEqual(['isolated', 'maintenance']);
    release();
    expect(late.state).toBe('closed');
    expect(control.add(circuitBreaker({ clock })).state).toBe('closed');
    const ended = control.isolate();
    control.reset();
    const after = control.add(circuitBreaker({ clock }));
    expect(after.state).toBe('closed');
    const own = after.isolate();
    ended();
    expect(after.state).toBe('isolated');
    own();
    expect(after.state).toBe('closed');
  });

  it('knows each of its breakers once, however often it is added, and none that it was not given', () => {
    const { control, breakers } = three();
    circuitBreaker({ clock });
    expect(control.add(breakers[1]!)).toBe(breakers[1]);
    expect(control.breakers).toEqual(breakers);
    const release = control.isolate();
    control.add(breakers[1]!);
    release();
    expect(breakers[1]!.state).toBe('closed');
  });

  it('lets a breaker go that is taken out of it, and can be given it again', () => {
    const { control, breakers } = three();
    const release = control.isolate();
    control.remove(breakers[0]!);
    control.remove(breakers[0]!);
    control.remove(circuitBreaker({ clock }));
    expect([states(breakers), control.breakers.length]).toEqual([['closed', 'isolated', 'isolated'], 2]);
    control.forceOpen();
    expect(breakers[0]!.state).toBe('closed');
    control.add(breakers[0]!);
    expect([breakers[0]!.state, control.breakers.length]).toEqual(['isolated', 3]);
    release();
    expect(states(breakers)).toEqual(['closed', 'closed', 'closed']);
  });

  describe('whose breakers nobody else knows any more', () => {
    let gone: (breaker: unknown) => boolean;
    let looked: number;
    beforeEach(() => {
      gone = () => false;
      looked = 0;
      // What is collected, and when, is the engine's choice; here it is the test's.
      vi.stubGlobal(
        'WeakRef',
        class {
          private readonly target: unknown;

          constructor(target: unknown) {
            this.target = target;
          }

          deref(): unknown {
            looked++;
            return gone(this.target) ? undefined : this.target;
          }
        },
      );
    });

    it('forgets them, and goes on with the others', () => {
      const { control, breakers } = three();
      const release = control.isolate();
      gone = (breaker) => breaker === breakers[1];
      expect(control.breakers).toEqual([breakers[0], breakers[2]]);
      looked = 0;
      control.forceOpen();
      release();
      expect([looked, states(breakers)]).toEqual([4, ['closed', 'isolated', 'closed']]);
    });

    it('looks for them while others are added, so that those who come and go do not add up', () => {
      const control = circuitControl();
      gone = () => true;
      for (let n = 0; n < 1_000; n++) control.add(circuitBreaker({ clock }));
      looked = 0;
      expect(control.breakers).toEqual([]);
      expect(looked).toBeLessThanOrEqual(16);
    });

    it('looks at each of many but a few times while they are added', () => {
      const control = circuitControl();
      const breakers = Array.from({ length: 1_000 }, () => control.add(circuitBreaker({ clock })));
      expect(looked).toBeGreaterThan(0);
      expect(looked).toBeLessThanOrEqual(2 * breakers.length);
      expect(control.breakers).toEqual(breakers);
    });
  });
});
