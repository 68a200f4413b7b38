/**
 * IP addresses as keys. A customer with IPv6 owns at least 2^64 addresses, so a limit per address is no limit: the
 * address is cut to its network. An IPv4 address in the clothes of an IPv6 one is the IPv4 address.
 */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const GROUPS = 8;
const BITS_PER_GROUP = 16;

/**
 * The key for a client's address: an IPv4 address as it is, an IPv6 address as its network (`2001:db8:1:2::/64`),
 * whichever way it was written. A zone (`%eth0`) is dropped. Anything else is returned unchanged, so that it still is a
 * key: a limiter must not be walked around by an address that nobody expected.
 *
 * @param address The address alone, without a port.
 * @param prefixBits How much of an IPv6 address tells clients apart: an integer from 1 to 128; default 64, and 56 where
 *   providers hand out larger networks.
 * @throws RangeError when `prefixBits` is out of range.
 */
export function clientAddressKey(address: string, prefixBits = 64): string {
  if (!Number.isInteger(prefixBits) || prefixBits < 1 || prefixBits > 128)
    throw new RangeError(`prefixBits must be an integer from 1 to 128, not ${prefixBits}`);
  const bare = address
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '');
  if (IPV4.test(bare)) return bare;
  const groups = parseIpv6(bare);
  if (groups === undefined) return address;
  return (
    mappedIpv4(groups) ?? `${formatIpv6(groups.map((group, index) => masked(group, index, prefixBits)))}/${prefixBits}`
  );
}

function masked(group: number, index: number, prefixBits: number): number {
  const bits = Math.min(BITS_PER_GROUP, Math.max(0, prefixBits - index * BITS_PER_GROUP));
  return group & ~(0xffff >> bits) & 0xffff;
}

/** The eight groups of an IPv6 address; undefined when it is none. */
function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const [front, back] = halves.map(parseGroups);
  if (front === undefined || (halves.length === 2 && back === undefined)) return undefined;
  if (halves.length === 1) return front.length === GROUPS ? front : undefined;
  const missing = GROUPS - front.length - back!.length;
  return missing < 1 ? undefined : [...front, ...new Array<number>(missing).fill(0), ...back!];
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else if (index === parts.length - 1 && IPV4.test(part)) groups.push(...groupsOfIpv4(part));
    else return undefined;
  }
  return groups;
}

function groupsOfIpv4(text: string): readonly number[] {
  const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number];
  return [a * 256 + b, c * 256 + d];
}

/** The IPv4 address in ::ffff:a.b.c.d. */
function mappedIpv4(groups: readonly number[]): string | undefined {
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined;
  const [high, low] = [groups[6]!, groups[7]!];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Lower case, without leading zeros, the longest run of at least two zeros as `::` (RFC 5952). */
function formatIpv6(groups: readonly number[]): string {
  let [start, length] = [-1, 1];
  for (let at = 0; at < GROUPS; at++) {
    let end = at;
    while (end < GROUPS && groups[end] === 0) end++;
    if (end - at > length) [start, length] = [at, end - at];
    if (end > at) at = end;
  }
  const hex = (from: number, to?: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return start < 0 ? hex(0) : `${hex(0, start)}::${hex(start + length)}`;
}
