/** Where a Redis listens, and as whom to speak to it. */
export interface RedisAddress {
  readonly host: string;
  /** Default 6379. */
  readonly port?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The number of the database; default 0. */
  readonly db?: number | undefined;
  /** Whether to speak TLS; default false. */
  readonly tls?: boolean | undefined;
}

/** `redis://user:password@host:port/db` or `rediss://…`; undefined where it is none. */
export function redisAddressOf(text: string): RedisAddress | undefined {
  if (!/^rediss?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const db = /^\/?(\d*)$/.exec(url.pathname)?.[1];
  if (url.hostname === '' || db === undefined) return undefined;
  return {
    // An IPv6 address stands in brackets in a URL only.
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    db: db === '' ? 0 : Number(db),
    tls: url.protocol.toLowerCase() === 'rediss:',
  };
}
