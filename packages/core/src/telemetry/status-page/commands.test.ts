import { describe, expect, it, vi } from 'vitest';
import { circuitBreaker } from '../../circuit-breaker/circuit-breaker.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Policy } from '../../policy/policy.ts';
import { TOKEN, watched, withBreaker } from './test-support/watched-page.ts';

describe('a command', () => {
  const isolate = { command: 'isolate', pipeline: 'stock', policy: '0', reason: 'maintenance' };

  it('isolates, releases and resets a breaker for who has the token, and is told', async () => {
    const { command, breaker, page } = withBreaker({ commandToken: TOKEN });
    const told: unknown[] = [];
    page.events.on('status-command', ({ command: what, target, outcome }) => told.push([what, target, outcome]));
    const isolated = vi.spyOn(breaker, 'isolate');
    expect(await command(isolate)).toEqual([200, 'the breaker is isolated']);
    expect([breaker.state, isolated.mock.calls]).toEqual(['isolated', [['maintenance']]]);
    expect(await command(isolate)).toEqual([200, 'the breaker is isolated already']);
    expect(await command({ ...isolate, command: 'release' })).toEqual([200, 'the isolation from here has ended']);
    expect(breaker.state).toBe('closed');
    expect((await command({ ...isolate, command: 'release' }))[0]).toBe(404);
    await command({ ...isolate, reason: '' });
    expect(await command({ ...isolate, command: 'reset' })).toEqual([200, 'the breaker was reset']);
    expect(breaker.state).toBe('closed');
    expect(told.slice(0, 3)).toEqual([
      ['isolate', 'stock', 'success'],
      ['isolate', 'stock', 'success'],
      ['release', 'stock', 'success'],
    ]);
  });

  it('isolates again a breaker that somebody else has reset meanwhile', async () => {
    const { command, breaker } = withBreaker({ commandToken: TOKEN });
    await command(isolate);
    breaker.reset();
    expect(await command(isolate)).toEqual([200, 'the breaker is isolated']);
    expect(breaker.state).toBe('isolated');
  });

  it('does nothing without the right token, and after ten wrong ones a minute not with it either', async () => {
    const { command, breaker, clock, page, ask } = withBreaker({ commandToken: TOKEN });
    const told: unknown[] = [];
    page.events.on('*', ({ outcome }) => told.push(outcome));
    expect((await ask('', { method: 'POST', body: JSON.stringify(isolate) })).headers.get('www-authenticate')).toBe(
      'Bearer',
    );
    for (const wrong of ['', 'x', TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase()])
      expect(await command(isolate, wrong)).toEqual([401, 'the token is missing or wrong']);
    for (let n = 0; n < 4; n++) await command(isolate, `wrong ${n}`);
    expect((await command(isolate))[0]).toBe(429);
    expect([breaker.state, new Set(told)]).toEqual(['closed', new Set(['refused'])]);
    await clock.advance(70_000);
    expect((await command(isolate))[0]).toBe(200);
  });

  it('is taken by no page that has no token', async () => {
    const { command, breaker } = withBreaker();
    expect(await command(isolate)).toEqual([403, 'this status page takes no commands']);
    expect(breaker.state).toBe('closed');
  });

  it('that does not say which breaker, or what, changes nothing', async () => {
    const { command, breaker } = withBreaker({ commandToken: TOKEN });
    expect((await command('{'))[0]).toBe(400);
    expect((await command('null'))[0]).toBe(400);
    expect((await command({ ...isolate, command: 'explode' }))[0]).toBe(400);
    expect((await command({ ...isolate, pipeline: '__proto__' }))[0]).toBe(404);
    for (const policy of ['1', '9', '-1', 'length', '0.0', '__proto__', ''])
      expect((await command({ ...isolate, policy }))[0]).toBe(404);
    expect((await command('x'.repeat(10_001)))[0]).toBe(413);
    expect(breaker.state).toBe('closed');
  });

  it('reaches a breaker of a pipeline that stands in the row', async () => {
    const breaker = circuitBreaker();
    const clock = new VirtualClock();
    const inner = pipeline({ name: 'inner', clock }, breaker) as unknown as Policy;
    const { command } = watched(
      { pipelines: { outer: { policies: [{ use: 'inner' }] } } },
      { commandToken: TOKEN },
      { inner },
      clock,
    );
    expect((await command({ command: 'isolate', pipeline: 'outer', policy: '0.0' }))[0]).toBe(200);
    expect(breaker.state).toBe('isolated');
  });
});
