import type { WireReader, WireWriter } from './wire.ts';

/** What a request is answered with: the body, or nothing where the producer wants no answer. */
export type Answer = WireWriter | undefined;

/** One kind of request, in the versions that are answered. */
export interface Api {
  readonly key: number;
  readonly min: number;
  readonly max: number;
  readonly answer: (request: WireReader, version: number) => Answer | Promise<Answer>;
}
