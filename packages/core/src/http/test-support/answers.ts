import { VirtualClock } from '../../clock/virtual-clock.ts';
import { pipeline } from '../../pipeline/index.ts';
import { constant, retry } from '../../retry/index.ts';
import { expect } from 'vitest';
import type { CallOptions, ExecutionContext } from '../../policy/context.ts';
import {
  type Fetch,
  type FetchPipeline,
  resilientFetch,
  type ResilientFetch,
  type ResilientFetchOptions,
} from '../index.ts';

export const url = 'http://host.test/items/1?token=secret';

/** A fetch with these answers, the last of them again and again. */
export function platform(...answers: readonly (() => Response)[]): Fetch & { asked: number } {
  const fetch: Fetch & { asked: number } = async (_input, init) => {
    const answer = answers[Math.min(fetch.asked, answers.length - 1)]!;
    fetch.asked++;
    init?.signal?.throwIfAborted();
    return answer();
  };
  fetch.asked = 0;
  return fetch;
}

/** Makes a response. */
export const answer =
  (status: number, body: BodyInit | (() => BodyInit) | null = null, headers: Record<string, string> = {}) =>
  () =>
    new Response(typeof body === 'function' ? body() : body, { status, headers });

/** A body that sends this, and then what `more` does. */
export const bodyOf = (
  text: string,
  more: Partial<UnderlyingDefaultSource<Uint8Array>> & {
    readonly afterwards?: (error: (reason: unknown) => void) => void;
  } = {},
): ReadableStream<Uint8Array> => {
  const { afterwards, ...source } = more;
  return new ReadableStream<Uint8Array>(
    {
      ...source,
      pull: (controller) => {
        if (text !== '') controller.enqueue(new TextEncoder().encode(text));
        text = '';
        if (afterwards === undefined) controller.close();
        else afterwards((reason) => controller.error(reason));
      },
    },
    { highWaterMark: 0 },
  );
};

/** What it rejects with. */
export const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('should reject'),
    (error: unknown) => error,
  );

/** Two attempts without a wait, in virtual time. */
export const twice = (more: Parameters<typeof retry>[0] = {}): ReturnType<typeof retry> =>
  retry({ maxAttempts: 2, backoff: constant(0), jitter: 'none', ...more });
/** A fetch under two attempts. */
export const under = (fetch: Fetch, options: ResilientFetchOptions = {}): ResilientFetch =>
  resilientFetch(pipeline({ clock: new VirtualClock() }, twice()), { fetch, ...options });

/** What runs calls as a pipeline does, and is none of this library. */
export const foreign: FetchPipeline = {
  execute: async <R>(fn: (context: ExecutionContext) => R, options: CallOptions = {}): Promise<Awaited<R>> => {
    const { signal = new AbortController().signal } = options;
    return await fn({ signal, attempt: 1, pipeline: undefined, key: 'k', priority: 'normal', remainingMs: 1_500 });
  },
};
