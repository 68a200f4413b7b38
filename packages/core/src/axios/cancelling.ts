import type { AxiosConfigLike } from './axios-port.ts';

/** A cancel token of axios, as far as it is needed. */
interface CancelTokenLike {
  subscribe(listener: (reason: unknown) => void): void;
  unsubscribe(listener: (reason: unknown) => void): void;
}

/** The two ways in which a caller of axios can cancel a request, as one signal. */
export class Cancelling {
  /** Undefined where the caller has neither. */
  readonly signal: AbortSignal | undefined;
  private readonly token: CancelTokenLike | undefined;
  private readonly controller: AbortController | undefined;

  constructor({ signal, cancelToken }: AxiosConfigLike) {
    const given = signal as AbortSignal | undefined;
    this.token = (cancelToken as CancelTokenLike | null | undefined) ?? undefined;
    this.controller = this.token && new AbortController();
    const own = this.controller?.signal;
    this.signal = given && own ? AbortSignal.any([given, own]) : (given ?? own);
    this.token?.subscribe(this.cancel);
  }

  /** The request has ended. */
  end(): void {
    this.token?.unsubscribe(this.cancel);
  }

  private readonly cancel = (reason: unknown): void => this.controller?.abort(reason);
}
