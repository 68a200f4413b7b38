import { describe, expect, it } from 'vitest';
import { microtasks } from '../../testing/test-support/watched.ts';
import type { RedisRoute } from './port.ts';
import { ScriptRunner } from './script-runner.ts';

/** A server that knows the scripts that it was told to load, until it forgets them. */
function server() {
  const sent: string[] = [];
  const routes: (string | undefined)[] = [];
  const state = { known: false, fails: undefined as unknown };
  const send = async (
    [name, ...parameters]: readonly (string | Uint8Array)[],
    { key }: RedisRoute,
  ): Promise<unknown> => {
    sent.push([name, ...parameters].join(' '));
    routes.push(key);
    if (state.fails !== undefined) throw state.fails;
    if (name === 'SCRIPT') state.known = true;
    if (name === 'EVALSHA' && !state.known) throw new Error('NOSCRIPT No matching script');
    return name === 'SCRIPT' ? 'hash' : 'done';
  };
  return { sent, routes, state, runner: new ScriptRunner({ send }) };
}

describe('a script', () => {
  it('is sent whole until the server has told its hash, asked for once, and by that from then on', async () => {
    const { sent, routes, runner } = server();
    const both = [runner.run('code', ['k'], ['1']), runner.run('code', ['k'], ['2'])];
    expect(await Promise.all(both)).toEqual(['done', 'done']);
    await microtasks(5);
    expect(await runner.run('code', ['k'], ['3'])).toBe('done');
    expect(sent).toEqual(['SCRIPT LOAD code', 'EVAL code 1 k 1', 'EVAL code 1 k 2', 'EVALSHA hash 1 k 3']);
    expect(routes).toEqual([undefined, 'k', 'k', 'k']);
  });

  it('is sent whole again where the server has forgotten it, and any other failure is passed on', async () => {
    const { sent, state, runner } = server();
    await runner.run('code', ['k'], []);
    await microtasks(5);
    state.known = false;
    expect(await runner.run('code', ['k'], ['1'])).toBe('done');
    expect(sent.slice(2)).toEqual(['EVALSHA hash 1 k 1', 'EVAL code 1 k 1']);
    for (const fails of [new Error('READONLY'), 'no error at all', null]) {
      state.fails = fails;
      await expect(runner.run('code', ['k'], [])).rejects.toBe(fails);
    }
    expect(sent.filter((command) => command.startsWith('EVAL code'))).toHaveLength(2);
  });

  it('whose hash could not be had is asked for again with the next run', async () => {
    const { sent, state, runner } = server();
    state.fails = new Error('LOADING');
    await expect(runner.run('code', [], [])).rejects.toThrow('LOADING');
    await microtasks(5);
    state.fails = undefined;
    await runner.run('code', [], []);
    expect(sent.filter((command) => command.startsWith('SCRIPT'))).toHaveLength(2);
  });
});
