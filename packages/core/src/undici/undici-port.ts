/** What is needed of the options of a request of undici. */
export interface UndiciRequest {
  readonly origin?: string | URL | undefined;
  readonly path: string;
  readonly method: string;
  readonly body?: unknown;
  readonly headers?: unknown;
}

/** The controller of a request of undici 7 and later. */
export interface UndiciController {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: Error | null;
  readonly rawHeaders?: unknown;
  readonly rawTrailers?: unknown;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** Headers as undici's handlers get them. */
export type UndiciHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The handler of a request of undici 7 and later. */
export interface UndiciHandler {
  onRequestStart?(controller: UndiciController, context: unknown): void;
  onRequestUpgrade?(controller: UndiciController, status: number, headers: UndiciHeaders, socket: unknown): void;
  onResponseStart?(controller: UndiciController, status: number, headers: UndiciHeaders, statusText?: string): void;
  onResponseData?(controller: UndiciController, chunk: Uint8Array): void;
  onResponseEnd?(controller: UndiciController, trailers: UndiciHeaders): void;
  onResponseError?(controller: UndiciController, error: Error): void;
}

/** How a dispatcher of undici sends. */
export type UndiciSend = (request: UndiciRequest, handler: UndiciHandler) => boolean;
