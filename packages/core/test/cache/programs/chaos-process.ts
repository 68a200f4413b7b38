/** An instance of a cache in a process of its own. Its parent has the source, says when to end, and asks what was seen. */
import { ChaosInstance } from '../chaos-instance.ts';

/** What the parent is asked. */
export interface SourceQuestion {
  readonly id: number;
  readonly what: 'load' | 'raise';
  readonly key: string;
}

/** What the parent says: the answer to a question; or what to do, which is answered in turn. */
export type ParentMessage =
  | { readonly id: number; readonly value: number }
  | { readonly command: 'end' }
  | { readonly command: 'check'; readonly truth: readonly (readonly [string, number])[] }
  | { readonly command: 'close' };

const answers = new Map<number, (value: number) => void>();
let questions = 0;
let unhandled = 0;
process.on('unhandledRejection', () => void unhandled++);

const ask = (what: SourceQuestion['what'], key: string): Promise<number> =>
  new Promise((resolve) => {
    answers.set(++questions, resolve);
    process.send!({ id: questions, what, key } satisfies SourceQuestion);
  });

const instance = new ChaosInstance(Number(process.argv[2]), {
  load: (key) => ask('load', key),
  raise: (key) => ask('raise', key),
});

async function obey(message: ParentMessage): Promise<void> {
  if ('id' in message) {
    answers.get(message.id)?.(message.value);
    answers.delete(message.id);
  } else if (message.command === 'end') {
    await instance.end();
    process.send!({ done: true });
  } else if (message.command === 'check') {
    process.send!({ done: await instance.tells(message.truth) });
  } else {
    await instance.close();
    process.send!({ done: { ...instance.seen, unhandled } });
    process.disconnect();
  }
}

// Nobody is there any more to say when to end.
process.on('disconnect', () => process.exit());
process.on('message', (message) => void obey(message as ParentMessage));
process.send!({ done: 'started' });
