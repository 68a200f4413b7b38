/** What is needed of a request's configuration of axios. */
export interface AxiosConfigLike {
  readonly method?: string | undefined;
  readonly data?: unknown;
  readonly headers?: unknown;
  /** The platform's AbortSignal, or something like it. */
  readonly signal?: unknown;
  /** Its older way to cancel, which it still has. */
  readonly cancelToken?: unknown;
}

/** What is needed of a response of axios. */
export interface AxiosResponseLike {
  readonly status: number;
  readonly headers: unknown;
  readonly data: unknown;
}

/** What is needed of an error of axios. */
export interface AxiosErrorLike {
  readonly code?: string | undefined;
  readonly response?: AxiosResponseLike | undefined;
}

/** An adapter of axios: what sends a request. */
export type AxiosAdapterLike<Config extends AxiosConfigLike, Response extends AxiosResponseLike> = (
  config: Config,
) => Promise<Response>;
