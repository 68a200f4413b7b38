import { describe, expect, it, vi } from 'vitest';
import { microtasks } from '../testing/test-support/watched.ts';
import { EventChannel } from './channel.ts';
import type { EventEnvelope } from './event.ts';
import { onlyOutcome } from './only-outcome.ts';

interface Events {
  hit: { n: number };
  miss: object;
}

const event = (type: string): EventEnvelope => ({
  type,
  pipeline: undefined,
  policy: undefined,
  key: undefined,
  timestamp: 0 as never,
});

describe('an event channel', () => {
  it('hands an event to those who listen to its type, then to those who listen to all, in the order they came', () => {
    const channel = new EventChannel<Events>();
    const heard: string[] = [];
    channel.on('*', () => heard.push('all'));
    channel.on('hit', () => heard.push('first'));
    channel.on('hit', () => heard.push('second'));
    channel.on('miss', () => heard.push('miss'));
    channel.emit(event('hit'));
    expect(heard).toEqual(['first', 'second', 'all']);
  });

  it('wants an event only while somebody listens to it', () => {
    const channel = new EventChannel<Events>();
    expect(channel.wants('hit')).toBe(false);
    const stops = [channel.on('hit', () => undefined), channel.on('hit', () => undefined)];
    expect([channel.wants('hit'), channel.wants('miss')]).toEqual([true, false]);
    stops[0]!();
    stops[0]!();
    expect(channel.wants('hit')).toBe(true);
    stops[1]!();
    expect(channel.wants('hit')).toBe(false);
    const stop = channel.on('*', () => undefined);
    expect(channel.wants('miss')).toBe(true);
    stop();
    expect(channel.wants('miss')).toBe(false);
  });

  it('wants an event of an outcome only while somebody hears that outcome', () => {
    const channel = new EventChannel<Events>();
    const wanted = (): readonly boolean[] => [
      channel.wants('hit'),
      channel.wants('hit', 'success'),
      channel.wants('hit', 'failure'),
      channel.wants('miss', 'failure'),
    ];
    const stop = channel.on(
      'hit',
      onlyOutcome('failure', () => undefined),
    );
    expect(wanted()).toEqual([true, false, true, false]);
    const stopOther = channel.on('hit', () => undefined);
    expect(wanted()).toEqual([true, true, true, false]);
    stopOther();
    const stopAll = channel.on(
      '*',
      onlyOutcome('success', () => undefined),
    );
    expect(wanted()).toEqual([true, true, true, false]);
    stop();
    expect(wanted()).toEqual([true, true, false, false]);
    stopAll();
    expect(wanted()).toEqual([false, false, false, false]);
  });

  it('hands an event of an outcome to those who hear it, in the order they came', () => {
    const channel = new EventChannel<Events>();
    const heard: string[] = [];
    channel.on(
      'hit',
      onlyOutcome('failure', () => heard.push('failures')),
    );
    channel.on('hit', ({ outcome }) => heard.push(String(outcome)));
    channel.on(
      'hit',
      onlyOutcome('success', () => heard.push('successes')),
    );
    for (const outcome of ['success', 'failure'] as const) channel.emit({ ...event('hit'), outcome });
    channel.emit(event('hit'));
    expect(heard).toEqual(['success', 'successes', 'failures', 'failure', 'undefined']);
  });

  it('lets one listener subscribe twice, and each subscription end for itself', () => {
    const channel = new EventChannel<Events>();
    const listener = vi.fn();
    const stop = channel.on('hit', listener);
    channel.on('hit', listener);
    channel.emit(event('hit'));
    stop();
    channel.emit(event('hit'));
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('gives an event to nobody who subscribed, or unsubscribed, because of it', () => {
    const channel = new EventChannel<Events>();
    const heard: string[] = [];
    const again = (): void => {
      heard.push('again');
      channel.on('hit', again);
      stop();
    };
    channel.on('hit', again);
    const stop = channel.on('hit', () => heard.push('gone'));
    channel.emit(event('hit'));
    expect(heard).toEqual(['again']);
  });

  it('tells of a listener that throws, goes on with the others, and does not tell of those who are told and throw', () => {
    const channel = new EventChannel<Events & { 'hook-failed': { hook: string; error: unknown } }>();
    const bug = new Error('bug');
    const fail = (): never => {
      throw bug;
    };
    const after = vi.fn();
    const told = vi.fn(fail);
    channel.on('hit', fail);
    channel.on('hit', after);
    channel.on('hook-failed', told);
    expect(() => channel.emit(event('hit'))).not.toThrow();
    expect(after).toHaveBeenCalledTimes(1);
    expect(told).toHaveBeenCalledTimes(1);
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ hook: 'listener of hit', error: bug }));
  });

  it('tells of a listener that rejects, for which nobody waits, and not of one that is told and rejects', async () => {
    const channel = new EventChannel<Events & { 'hook-failed': { hook: string; error: unknown } }>();
    const bug = new Error('bug');
    const rejecting = (error: Error) => vi.fn(() => Promise.reject(error) as unknown as undefined);
    const [told, reject] = [rejecting(new Error('another')), rejecting(bug)];
    const wrong: unknown[] = [];
    channel.on('hit', reject);
    channel.on('hit', onlyOutcome('failure', reject));
    channel.on('hook-failed', told);
    channel.on('hook-failed', ({ hook, error }) => wrong.push([hook, error]));
    channel.emit({ ...event('hit'), outcome: 'failure' });
    expect(told).not.toHaveBeenCalled();
    await microtasks();
    expect(wrong).toEqual([
      ['listener of hit', bug],
      ['listener of hit', bug],
    ]);
    expect(told).toHaveBeenCalledTimes(2);
  });
});
