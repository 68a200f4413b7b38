import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { isBreakwaterError } from '../../errors/breakwater-error.ts';
import { type AcquireWaitOptions, type LimiterSettings, rateLimiter } from '../index.ts';

function busy(more: LimiterSettings) {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ limit: 10, periodMs: 1_000, burst: 5, clock, ...more });
  limiter.tryAcquire(undefined, { cost: 5 });
  const log: string[] = [];
  const ask = (name: string, options: AcquireWaitOptions = {}): void =>
    void limiter.acquire(undefined, options).then(
      () => log.push(name),
      (error: unknown) =>
        log.push(`${name} ${isBreakwaterError(error) ? String(error.details?.['reason']) : String(error)}`),
    );
  return { clock, limiter, log, ask };
}

describe('a full queue', () => {
  it('refuses who comes last unless it is told otherwise', async () => {
    const { clock, log, ask } = busy({ maxQueue: 2 });
    for (const name of ['a', 'b', 'c']) ask(name);
    await clock.advance(1_000);
    expect(log).toEqual(['c queue', 'a', 'b']);
  });

  it('may drop whoever has waited longest, of those no more urgent than the newcomer', async () => {
    const { clock, log, ask, limiter } = busy({ maxQueue: 3, onFull: 'drop-oldest' });
    ask('urgent', { priority: 'high' });
    ask('old');
    ask('young');
    ask('new');
    ask('low', { priority: 'low' });
    await clock.advance(1_000);
    expect(log).toEqual(['old dropped', 'low queue', 'urgent', 'young', 'new']);
    expect(limiter.statistics).toMatchObject({ dropped: 1, refused: 2, waiting: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('may drop the latest of the least urgent, if the newcomer is more urgent', async () => {
    const { clock, log, ask } = busy({ maxQueue: 3, onFull: 'drop-lowest' });
    ask('low-1', { priority: 'low' });
    ask('low-2', { priority: 'low' });
    ask('normal');
    ask('high', { priority: 'high' });
    ask('another', { priority: 'low' });
    await clock.advance(1_000);
    expect(log).toEqual(['low-2 dropped', 'another queue', 'high', 'normal', 'low-1']);
  });

  it('is full by cost as well as by number', async () => {
    const { clock, log, ask } = busy({ maxQueueCost: 6 });
    ask('five', { cost: 5 });
    ask('two', { cost: 2 });
    ask('one', { cost: 1 });
    await clock.advance(1_000);
    expect(log).toEqual(['two queue', 'five', 'one']);
  });

  it('drops nobody for a newcomer that would not fit all the same', async () => {
    const { clock, log, ask } = busy({ maxQueueCost: 6, onFull: 'drop-lowest' });
    ask('normal', { cost: 4 });
    ask('low', { cost: 2, priority: 'low' });
    ask('large', { cost: 3 });
    ask('fitting', { cost: 2 });
    await clock.advance(2_000);
    expect(log).toEqual(['large queue', 'low dropped', 'normal', 'fitting']);
  });

  it('bounds each limit by its own cost', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({
      limits: [
        { name: 'requests', limit: 10, periodMs: 1_000, burst: 1 },
        { name: 'tokens', limit: 1_000, periodMs: 1_000 },
      ],
      maxQueueCost: { tokens: 100 },
      clock,
    });
    limiter.tryAcquire();
    void limiter.acquire(undefined, { cost: { tokens: 80 } });
    await expect(limiter.acquire(undefined, { cost: { tokens: 21 } })).rejects.toMatchObject({ reason: 'queue' });
    void limiter.acquire(undefined, { cost: { tokens: 20 } });
    await clock.advance(1_000);
    expect(limiter.statistics).toMatchObject({ admitted: 3, waiting: 0 });
  });
});

describe('a full queue that drops the oldest', () => {
  it('takes the one that came first, whatever their classes', async () => {
    const { clock, log, ask } = busy({ maxQueue: 3, onFull: 'drop-oldest' });
    ask('batch', { priority: 'batch' });
    ask('low', { priority: 'low' });
    ask('normal');
    ask('high', { priority: 'high' });
    await clock.advance(0);
    expect(log).toEqual(['batch dropped']);
  });
});

describe('those who wait', () => {
  it('are refused when they have been denied meanwhile', async () => {
    const clock = new VirtualClock();
    const denied = new Set<unknown>();
    const limiter = rateLimiter({ limit: 1, periodMs: 1_000, clock, deny: (key) => denied.has(key) });
    limiter.tryAcquire('a');
    const waiting = limiter.acquire('a');
    const refused = expect(waiting).rejects.toMatchObject({ details: { reason: 'denied' } });
    denied.add('a');
    await clock.advance(1_000);
    await refused;
    expect([limiter.statistics.waiting, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('are refused when a change of the limits has made their cost impossible', async () => {
    const { clock, limiter } = busy({});
    const waiting = limiter.acquire(undefined, { cost: 4 });
    const refused = expect(waiting).rejects.toMatchObject({ code: 'COST_TOO_LARGE' });
    limiter.update({ burst: 3 });
    await clock.advance(0);
    await refused;
    expect(clock.pendingTimers).toBe(0);
  });

  it('keep their places when another key is reset, and are in nobody’s way who can never fit', async () => {
    const { clock, limiter, log, ask } = busy({});
    ask('a');
    limiter.reset('another');
    expect(limiter.tryAcquire(undefined, { cost: 6 })).toMatchObject({ allowed: false, oversize: true });
    await clock.advance(99);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(['a']);
  });

  it('go on at once by new numbers', async () => {
    const { clock, log, ask, limiter } = busy({});
    ask('a', { cost: 5 });
    await clock.advance(100);
    limiter.update({ limit: 100 });
    await clock.advance(40);
    expect(log).toEqual(['a']);
  });
});
