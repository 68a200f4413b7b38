import { describe, expect, it } from 'vitest';
import { hedge } from '../hedge/index.ts';
import { pipeline } from '../pipeline/index.ts';
import type { CallOptions, ExecutionContext } from '../policy/context.ts';
import { constant, retry } from '../retry/index.ts';
import type { AxiosConfigLike, AxiosResponseLike } from './axios-port.ts';
import { resilientAdapter } from './index.ts';

const busy = (headers: object = {}): AxiosResponseLike => ({ status: 503, headers, data: 'busy' });

/** How often a request is sent that is answered with a 503 each time. */
async function sentTimes(config: AxiosConfigLike, answer: AxiosResponseLike = busy()): Promise<number> {
  let sent = 0;
  const adapter = async (): Promise<AxiosResponseLike> => {
    sent++;
    return answer;
  };
  const response = await resilientAdapter(pipeline(retry({ maxAttempts: 3, backoff: constant(0) })), adapter)(config);
  expect(response).toBe(answer);
  return sent;
}

describe('a request of axios', () => {
  it('is a GET where it says no method, and sent again', async () => {
    expect(await sentTimes({})).toBe(3);
    expect(await sentTimes({ method: 'post' })).toBe(1);
  });

  it('is not sent again with a body that is a stream, whatever its method and headers', async () => {
    const headers = { 'idempotency-key': 'a' };
    expect(await sentTimes({ method: 'put', headers, data: { pipe: () => undefined } })).toBe(1);
    expect(await sentTimes({ method: 'put', headers, data: new Blob(['a']).stream() })).toBe(1);
    expect(await sentTimes({ method: 'post', headers, data: 'a' })).toBe(3);
  });

  it('may be sent through what runs calls and is no pipeline of this library', async () => {
    const errors: unknown[] = [];
    const foreign = {
      execute: async <R>(fn: (context: ExecutionContext) => R, _options?: CallOptions): Promise<Awaited<R>> => {
        const { signal } = new AbortController();
        const context = { signal, attempt: 1, pipeline: undefined, key: undefined, remainingMs: Infinity } as const;
        try {
          return await fn({ ...context, priority: 'normal' });
        } catch (error) {
          errors.push(error);
          throw error;
        }
      },
    };
    const answer = busy({ 'retry-after': '2' });
    expect(await resilientAdapter(foreign, async () => answer)({})).toBe(answer);
    expect(errors).toEqual([expect.objectContaining({ retryAfterMs: 2_000, retryable: true })]);
  });

  it('is judged as by default where the condition throws, and the fault is told', async () => {
    const calls = pipeline(retry({ maxAttempts: 2, backoff: constant(0) }));
    const hooks: unknown[] = [];
    calls.on('hook-failed', ({ hook }) => hooks.push(hook));
    const isFailure = (): boolean => {
      throw new Error('mine');
    };
    const answer = busy();
    expect(await resilientAdapter(calls, async () => answer, { isFailure })({})).toBe(answer);
    expect(hooks).toEqual(['isFailure', 'isFailure']);
  });

  it('is cancelled by a signal and by a token, whichever comes first', async () => {
    for (const byToken of [true, false]) {
      const listeners = new Set<(reason: unknown) => void>();
      const cancelToken = {
        subscribe: (listener: (reason: unknown) => void) => void listeners.add(listener),
        unsubscribe: (listener: (reason: unknown) => void) => void listeners.delete(listener),
      };
      const controller = new AbortController();
      const never = ({ signal }: AxiosConfigLike): Promise<never> =>
        new Promise((_resolve, reject) => {
          const given = signal as AbortSignal;
          given.addEventListener('abort', () => reject(given.reason));
        });
      const asked = resilientAdapter(pipeline(), never)({ signal: controller.signal, cancelToken });
      if (byToken) for (const listener of listeners) listener('by the token');
      else controller.abort('by the signal');
      await expect(asked).rejects.toBe(byToken ? 'by the token' : 'by the signal');
      expect(listeners.size).toBe(0);
    }
  });

  it('lets go of a response that comes when nobody wants it any more', async () => {
    let answer: (response: AxiosResponseLike) => void = () => undefined;
    const stubborn = (): Promise<AxiosResponseLike> => new Promise((resolve) => (answer = resolve));
    const controller = new AbortController();
    const asked = resilientAdapter(pipeline(), stubborn)({ signal: controller.signal });
    controller.abort('enough');
    await expect(asked).rejects.toBe('enough');
    const letGo = new Promise((resolve) => {
      answer({ status: 200, headers: {}, data: { pipe: () => undefined, destroy: () => resolve('let go') } });
    });
    expect(await letGo).toBe('let go');
  });

  it('that fails with no object passes that on', async () => {
    const calls = pipeline(retry({ maxAttempts: 2, backoff: constant(0) }));
    const adapter = (): Promise<never> => Promise.reject(undefined);
    await expect(resilientAdapter(calls, adapter)({})).rejects.toBeUndefined();
  });

  it('beside a hedge lets go of the streams that nobody gets', async () => {
    const destroyed: number[] = [];
    const answers = [503, 200, 200].map((status, index) => ({
      status,
      headers: {},
      data: { pipe: () => undefined, destroy: () => void destroyed.push(index) },
    }));
    let sent = 0;
    const settle: (() => void)[] = [];
    const adapter = (): Promise<AxiosResponseLike> => {
      const answer = answers[sent++]!;
      return new Promise((resolve) => settle.push(() => resolve(answer)));
    };
    const calls = pipeline(hedge({ delayMs: 0, maxAttempts: 3 }));
    const response = resilientAdapter(calls, adapter)({});
    for (const answer of settle) answer();
    expect(await response).toBe(answers[1]);
    expect(await calls.close()).toBe(0);
    expect(destroyed.toSorted((a, b) => a - b)).toEqual([0, 2]);
  });
});
