/**
 * What `fetch` rejects with says little: a TypeError, whose cause on Node (undici) has a code, and whose message is all
 * there is in browsers. This reads the code where there is one.
 */

/** What went wrong on the way to a server or back; the end of the code of a network error. */
export type NetworkTrouble = 'REFUSED' | 'RESET' | 'DNS' | 'TIMEOUT' | 'UNREACHABLE' | 'TLS' | 'PROTOCOL' | 'FAILED';

/** What a rejection of `fetch` was about. */
export interface NetworkFailure {
  readonly trouble: NetworkTrouble;
  readonly systemCode: string | undefined;
}

const TROUBLES: Readonly<Record<string, NetworkTrouble>> = Object.freeze({
  ECONNREFUSED: 'REFUSED',
  ConnectionRefused: 'REFUSED',
  ECONNRESET: 'RESET',
  ECONNABORTED: 'RESET',
  EPIPE: 'RESET',
  ConnectionClosed: 'RESET',
  UND_ERR_SOCKET: 'RESET',
  UND_ERR_CLOSED: 'RESET',
  UND_ERR_DESTROYED: 'RESET',
  UND_ERR_ABORTED: 'RESET',
  ENOTFOUND: 'DNS',
  EAI_AGAIN: 'DNS',
  EAI_FAIL: 'DNS',
  EAI_NODATA: 'DNS',
  ETIMEDOUT: 'TIMEOUT',
  UND_ERR_CONNECT_TIMEOUT: 'TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'TIMEOUT',
  EHOSTUNREACH: 'UNREACHABLE',
  EHOSTDOWN: 'UNREACHABLE',
  ENETUNREACH: 'UNREACHABLE',
  ENETDOWN: 'UNREACHABLE',
  EADDRNOTAVAIL: 'UNREACHABLE',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'RESET',
  UND_ERR_HEADERS_OVERFLOW: 'PROTOCOL',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'PROTOCOL',
});

const NETWORK_MESSAGE =
  /fetch failed|failed to fetch|network|load failed|terminated|connection|socket|sending request/i;

/**
 * A redirect that was forbidden, one too many or one that a stream can't follow (undici says nothing of that), a port,
 * scheme or origin that `fetch` doesn't speak to, data or a blob that is none.
 */
const REFUSED_BY_FETCH = /^$|redirect|bad port|scheme|cross origin|invalid method|data URL|malformed|not implemented/i;
/** What is wrong with the request itself. */
const REQUEST_FAULTS: ReadonlySet<string> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

/** Whether a platform's code says that a request can't be sent as it is. */
export function isRequestFault(code: string): boolean {
  return code.startsWith('ERR_INVALID_') || REQUEST_FAULTS.has(code);
}

/** Classifies what `fetch` or the reading of a body rejected with; undefined when it is not the network's fault. */
export function classifyFailure(error: unknown): NetworkFailure | undefined {
  const systemCode = codeOf(error);
  if (systemCode !== undefined) {
    if (isRequestFault(systemCode)) return undefined;
    return { trouble: troubleOf(systemCode), systemCode };
  }
  if (!(error instanceof Error)) return undefined;
  // Not the network's doing, and no other try will mend it.
  if (error.cause instanceof Error && REFUSED_BY_FETCH.test(error.cause.message)) return undefined;
  // undici's parser leaves its code out where it stopped at the first line.
  if (error.cause instanceof Error && error.cause.name === 'HTTPParserError')
    return { trouble: 'PROTOCOL', systemCode: undefined };
  if (/terminated|closed|reset/i.test(error.message)) return { trouble: 'RESET', systemCode: undefined };
  return NETWORK_MESSAGE.test(error.message) ? { trouble: 'FAILED', systemCode: undefined } : undefined;
}

/** Whether the request can't have reached the server. */
export function neverArrived(failure: NetworkFailure): boolean {
  const { trouble, systemCode } = failure;
  return trouble === 'REFUSED' || trouble === 'DNS' || trouble === 'TLS' || systemCode === 'UND_ERR_CONNECT_TIMEOUT';
}

/** What a platform's code says of the network; undefined when it is not about that at all, as codes of files are. */
export function networkTroubleOf(code: string): NetworkTrouble | undefined {
  if (Object.hasOwn(TROUBLES, code)) return TROUBLES[code];
  if (code.startsWith('UND_ERR_') || code.startsWith('HPE_') || code.startsWith('ERR_SSL_') || TLS_CODE.test(code))
    return troubleOf(code);
  return undefined;
}

const TLS_CODE = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ERR_SSL)/;

function troubleOf(code: string): NetworkTrouble {
  const known = TROUBLES[code];
  if (known !== undefined) return known;
  if (/CERT|TLS|SSL|SIGNED|ISSUER/.test(code)) return 'TLS';
  return /^HPE_|^UND_ERR_REQ|PARSE/.test(code) ? 'PROTOCOL' : 'FAILED';
}

/** The code of the error or of what caused it, the deepest first. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined;
  const { cause, code, errors } = error as {
    readonly cause?: unknown;
    readonly code?: unknown;
    readonly errors?: unknown;
  };
  const deeper = codeOf(cause, depth + 1) ?? (Array.isArray(errors) ? codeOf(errors[0], depth + 1) : undefined);
  return deeper ?? (typeof code === 'string' && code !== '' ? code : undefined);
}
