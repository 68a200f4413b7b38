import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Seen, Source } from './chaos-instance.ts';
import type { ParentMessage, SourceQuestion } from './programs/chaos-process.ts';

type Report = SourceQuestion | { readonly done: unknown };

/** An instance of a cache in another process, as this one sees it. */
export class ChaosChild {
  private readonly child: ChildProcess;
  private readonly source: Source;
  private answered: (value: unknown) => void = () => undefined;

  private constructor(redisOn: number, source: Source) {
    this.source = source;
    const script = new URL('programs/chaos-process.ts', import.meta.url).pathname;
    this.child = fork(script, [String(redisOn)], { execArgv: [] });
    this.child.on('message', (message) => void this.hear(message as Report));
  }

  /** One whose callers are at work. */
  static async start(redisOn: number, source: Source): Promise<ChaosChild> {
    const child = new ChaosChild(redisOn, source);
    await child.answer();
    return child;
  }

  async end(): Promise<void> {
    await this.command({ command: 'end' });
  }

  async tells(truth: Iterable<readonly [string, number]>): Promise<boolean> {
    return (await this.command({ command: 'check', truth: [...truth] })) as boolean;
  }

  async close(): Promise<Seen & { readonly unhandled: number }> {
    const exited = once(this.child, 'exit');
    const seen = (await this.command({ command: 'close' })) as Seen & { readonly unhandled: number };
    await exited;
    return seen;
  }

  private async hear(message: Report): Promise<void> {
    if ('done' in message) this.answered(message.done);
    else this.say({ id: message.id, value: await this.source[message.what](message.key) });
  }

  private say(message: ParentMessage): void {
    // One that has gone waits for nothing more.
    if (this.child.connected) this.child.send(message);
  }

  private command(message: ParentMessage): Promise<unknown> {
    const answer = this.answer();
    this.say(message);
    return answer;
  }

  /** The next thing that it says is done; rejects when it dies instead. */
  private answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const died = (code: number | null): void => reject(new Error(`the process of an instance ended with ${code}`));
      this.child.once('exit', died);
      this.answered = (value) => {
        this.child.off('exit', died);
        resolve(value);
      };
    });
  }
}
