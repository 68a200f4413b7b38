import { describe, expect, it } from 'vitest';
import { CommandError } from '../command-line/command-error.ts';
import { serve } from './command.ts';

const failure = (code: string): Error => Object.assign(new Error('The device cache needs Node 22.22'), { code });

describe('breakwater serve', () => {
  it('hands its arguments to the service, and ends with its exit code', async () => {
    const seen: unknown[] = [];
    const load = async () => ({
      serve: async (args: readonly string[]) => {
        seen.push(args);
        return 2;
      },
    });
    expect(await serve(['--port', '0'], load)).toBe(5);
    expect(seen).toEqual([['--port', '0']]);
  });

  it('says what to install where the service is not', async () => {
    const error = await serve([], async () => Promise.reject(failure('ERR_MODULE_NOT_FOUND'))).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).exitCode).toBe(5);
    expect((error as CommandError).message).toContain('npm install @breakwater/device-cache');
  });

  it('says which Node it needs, and that the other commands run on this one', async () => {
    const load = async () => ({ serve: () => Promise.reject(failure('UNSUPPORTED_RUNTIME')) });
    const error = await serve([], load).catch((e: unknown) => e);
    expect((error as CommandError).message).toContain('needs Node 22.22');
    expect((error as CommandError).message).toContain('The other commands run on Node 20.19');
    expect((error as CommandError).exitCode).toBe(5);
  });

  it('does not hide another failure', async () => {
    const load = async () => ({ serve: () => Promise.reject(failure('EADDRINUSE')) });
    expect(await serve([], load).catch((e: unknown) => e)).toMatchObject({ code: 'EADDRINUSE' });
  });
});
