import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../clock/virtual-clock.ts';
import { deferred, microtasks, watched } from '../../../testing/test-support/watched.ts';
import { FileLock } from './file-lock.ts';
import { MemoryFiles } from './test-support/memory-files.ts';

/** Two processes with a lock on the same file. */
function processes() {
  const clock = new VirtualClock();
  const files = new MemoryFiles(clock);
  const [one, two] = [new FileLock(files, clock, 'lock'), new FileLock(files, clock, 'lock')];
  return { clock, files, one, two };
}

describe('a lock that is a file', () => {
  it('lets one process change at a time, and one change of a process', async () => {
    const { clock, files, one, two } = processes();
    const first = deferred();
    const changes: string[] = [];
    const change = (name: string) => async (): Promise<void> => void changes.push(name);
    const running = [
      one.run(async () => {
        await first.promise;
        changes.push('first');
      }),
      one.run(change('second')),
      two.run(change('other process')),
    ];
    await clock.advance(100);
    expect(changes).toEqual([]);
    first.resolve('done');
    await clock.advance(10);
    await Promise.all(running);
    expect(changes.toSorted()).toEqual(['first', 'other process', 'second']);
    expect(changes[0]).toBe('first');
    expect(files.files.size).toBe(0);
  });

  it('is given back when the change fails, and the next goes on', async () => {
    const { one } = processes();
    const failed = one.run(() => Promise.reject(new Error('full')));
    await expect(failed).rejects.toThrow('full');
    await expect(one.run(async () => 'next')).resolves.toBe('next');
  });

  it('of a process that died is taken away after two seconds', async () => {
    const { clock, files, one } = processes();
    await files.open('lock', 'wx');
    const call = watched(one.run(async () => 'mine'));
    await clock.advance(1_990);
    expect(call.state).toBe('pending');
    await clock.advance(20);
    expect([call.value, files.files.size]).toEqual(['mine', 0]);
  });

  it('of a process that died is taken away although another died in doing so', async () => {
    const { clock, files, one } = processes();
    await files.open('lock', 'wx');
    await files.open('lock.taking', 'wx');
    const call = watched(one.run(async () => 'mine'));
    await clock.advance(2_050);
    expect([call.value, files.files.size]).toEqual(['mine', 0]);
  });

  it('is left alone where another process is about to take it away, or has put a new one there', async () => {
    const { clock, files, one } = processes();
    await files.open('lock', 'wx');
    await clock.advance(2_100);
    await files.open('lock.taking', 'wx');
    const call = watched(one.run(async () => 'mine'));
    await clock.advance(10);
    expect([call.state, files.files.has('lock')]).toEqual(['pending', true]);
    await files.unlink('lock.taking');
    // Between the look at the old one and its end there is a new one.
    let looks = 0;
    files.failing = (operation, path) => {
      if (operation === 'stat' && path === 'lock' && ++looks === 2) files.files.get('lock')!.mtimeMs = clock.wallTime();
      return undefined;
    };
    await clock.advance(10);
    expect([call.state, files.files.has('lock'), files.files.has('lock.taking')]).toEqual(['pending', true, false]);
  });

  it('may be gone when it is looked at, or when it is to be given back', async () => {
    const { clock, files, one, two } = processes();
    await files.open('lock', 'wx');
    files.failing = (operation) => {
      if (operation === 'stat') files.files.delete('lock');
      return undefined;
    };
    const call = watched(one.run(async () => files.files.delete('lock')));
    await clock.advance(10);
    expect([call.value, await two.run(async () => 'next')]).toEqual([true, 'next']);
  });

  it.each(['open', 'stat', 'unlink'])(
    'that the disk refuses to %s is an error, and not a wait without end',
    async (name) => {
      const { clock, files, one } = processes();
      if (name === 'stat') await files.open('lock', 'wx');
      files.failing = (operation) => (operation === name ? 'EACCES' : undefined);
      const call = watched(one.run(async () => 'mine'));
      await microtasks();
      expect(call.error).toMatchObject({ code: 'EACCES' });
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('that nobody can take away is an error too', async () => {
    const { clock, files, one } = processes();
    await files.open('lock', 'wx');
    await clock.advance(2_100);
    files.failing = (operation, path) => (operation === 'open' && path === 'lock.taking' ? 'EROFS' : undefined);
    const call = watched(one.run(async () => 'mine'));
    await microtasks();
    expect(call.error).toMatchObject({ code: 'EROFS' });
  });
});
