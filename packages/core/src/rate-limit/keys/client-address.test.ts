import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { clientAddressKey } from '../index.ts';

describe('the key of a client’s address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff::1', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['64:ff9b::192.0.2.7', '64:ff9b::/64'],
    ['2001:0:0:1::', '2001:0:0:1::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
  ])('%s is %s', (address, key) => {
    expect(clientAddressKey(address)).toBe(key);
  });

  it.each([
    '',
    'unknown',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1:2:3',
    '1::2::3',
    '1:2:3:4::5:6:7:8',
    'g::1',
    '1:2:3:4:5:6:7:8:9',
    '1.2.3.4:80',
  ])('is still a key where the address is none: %s', (address) => {
    expect(clientAddressKey(address)).toBe(address);
  });

  it('can be a network of another size', () => {
    expect(clientAddressKey('2001:db8:1:2fff::1', 56)).toBe('2001:db8:1:2f00::/56');
    expect(clientAddressKey('2001:db8::1', 128)).toBe('2001:db8::1/128');
    expect(clientAddressKey('1:2:3:4:5:6:7:8', 128)).toBe('1:2:3:4:5:6:7:8/128');
    for (const bits of [0, 129, 1.5]) expect(() => clientAddressKey('::1', bits)).toThrow(RangeError);
  });

  it('is one for all addresses of a network, however they rotate', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.tuple(group, group, group, group), fc.tuple(group, group, group, group), (network, host) => {
        const hex = (groups: readonly number[]): string => groups.map((each) => each.toString(16)).join(':');
        fc.pre(network.some((each) => each !== 0));
        expect(clientAddressKey(`${hex(network)}:${hex(host)}`)).toBe(clientAddressKey(`${hex(network)}:0:0:0:1`));
      }),
      propertyRuns(200),
    );
  });
});
