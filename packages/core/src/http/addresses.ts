/** Whether requests can be for the addresses that they are made for. */
export class Addresses {
  /** The beginning of the last good address, up to the slash after its host. */
  private known: string | undefined = undefined;

  /** Whether `fetch` can make a request for this at all; relative addresses are where there is a page. */
  isAddress(input: string | URL | Request): boolean {
    if (typeof input !== 'string') return isRequest(input) || URL.canParse(input, baseAddress());
    // What follows scheme, host and slash can't make an address invalid, and most go to the same host: parsing an
    // address once more than fetch does would cost as much as a policy.
    if (this.known !== undefined && input.startsWith(this.known)) return true;
    if (!URL.canParse(input, baseAddress())) return false;
    this.known = /^https?:\/\/[^/?#\\\s]+\//.exec(input)?.[0];
    return true;
  }
}

/** The path of an address, without its query, also where it has no host; empty when it is none. */
export function pathOf(input: string | URL | Request): string {
  const address = isRequest(input) ? input.url : input;
  const base = baseAddress() ?? 'http://no-host.invalid';
  return URL.canParse(address, base) ? new URL(address, base).pathname : '';
}

export function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && input !== null && 'url' in input;
}

function baseAddress(): string | undefined {
  return (globalThis as { readonly location?: { readonly href?: string } }).location?.href;
}
