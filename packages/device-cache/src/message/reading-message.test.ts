import { VirtualClock } from 'breakwater/clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reading, START_MS } from '../store/test-support/readings.ts';
import { checkMessage, describeFaults, type CheckedMessage } from './reading-message.ts';
import { timestampUs } from './timestamp.ts';

const rules = { maxMessageBytes: 10_000, maxSkewMs: 60_000 };
const now = new VirtualClock({ wallTimeMs: START_MS }).wallTime();
const check = (text: string | Uint8Array, offset = 7): CheckedMessage =>
  checkMessage(typeof text === 'string' ? Buffer.from(text) : text, offset, now, rules);
const checkOf = (more: object): CheckedMessage => check(JSON.stringify({ ...reading('station_123'), ...more }));
const reasons = (checked: CheckedMessage): string =>
  'faults' in checked ? describeFaults(checked.faults) : 'accepted';

describe('a message', () => {
  it('is a reading with its place in the order', () => {
    const message = reading('station_123');
    expect(check(JSON.stringify(message))).toEqual({
      accepted: { reading: message, timestampUs: START_MS * 1_000, offset: 7 },
    });
  });

  it.each([
    ['numbers, strings, booleans, null, lists and objects', { values: [1, 'a', true, null, [1], { a: 1 }] }],
    ['no values at all', { values: [] }],
    ['metadata that is null', { metadata: null }],
    ['labels that are null', { labels: null, display_names: null }],
    ['fields that nobody knows', { battery: 3.7, nested: { deep: [1] } }],
    ['a timestamp without a zone', { timestamp: '2025-12-31T23:59:59.123456' }],
    ['a timestamp a little ahead', { timestamp: new Date(START_MS + 59_000).toISOString() }],
    ['whole numbers up to 2^53', { values: [9_007_199_254_740_991] }],
    ['large numbers that are not whole', { values: [6.02e23] }],
  ])('may have %s', (_, more) => {
    const checked = checkOf(more);
    expect(reasons(checked)).toBe('accepted');
    expect('accepted' in checked && checked.accepted.reading).toMatchObject(more);
  });

  it('may say label for labels, as older writers do', () => {
    const { labels: _, ...older } = reading('a');
    const checked = check(JSON.stringify({ ...older, label: ['x'] }));
    expect('accepted' in checked && checked.accepted.reading.labels).toEqual(['x']);
    expect('accepted' in checked && 'label' in checked.accepted.reading).toBe(false);
  });

  it.each<[string, object, string]>([
    ['an empty index', { index: '' }, '/index'],
    ['values that are no list', { values: 5 }, '/values'],
    ['a device id that climbs', { device_id: '../etc' }, '/device_id'],
    ['a device id with NUL', { device_id: 'a\u0000b' }, '/device_id'],
    ['a timestamp that is none', { timestamp: 'yesterday' }, '/timestamp'],
    ['a day that does not exist', { timestamp: '2025-02-30T00:00:00Z' }, '/timestamp'],
    ['a timestamp too far ahead', { timestamp: new Date(START_MS + 61_000).toISOString() }, '/timestamp'],
    ['a category with a colon', { metadata: { ...reading('a').metadata, datatype_category: 'a:b' } }, '/metadata'],
    ['labels that are a number', { labels: 5 }, '/labels'],
  ])('is bad with %s, and says where', (_, more, at) => {
    expect(reasons(checkOf(more))).toContain(at);
  });

  it('tells of all that is wrong with it', () => {
    const checked = checkOf({ index: '', values: 1, device_id: 1 });
    expect('faults' in checked && checked.faults.map(({ at }) => at).toSorted()).toEqual([
      '/device_id',
      '/index',
      '/values',
    ]);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'empty'],
    ['no JSON', '{"a":', 'not valid JSON'],
    ['no object', '[1]', 'object'],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'not valid UTF-8'],
    ['too many bytes', `"${'x'.repeat(10_000)}"`, '10002 bytes'],
    ['a number that JSON.parse would turn into Infinity', '{"values":[1e999]}', 'too large'],
    ['a whole number that would be rounded', '{"values":[12345678901234567890]}', 'would be rounded'],
    ['lists in lists without end', '['.repeat(2_000) + ']'.repeat(2_000), 'nested'],
    ['a key that changes prototypes', '{"__proto__":{"a":1}}', 'not allowed'],
  ])('is bad as %s', (_, text, reason) => {
    expect(reasons(check(text))).toContain(reason);
  });

  it('never quotes what it can not read', () => {
    expect(reasons(check('{"password":"hunter2" oops'))).not.toContain('hunter2');
  });

  it('is either accepted or bad, whatever bytes it has', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const checked = check(bytes);
          expect('accepted' in checked || checked.faults.length > 0).toBe(true);
        },
      ),
      { seed: 20_261_121, numRuns: 500 },
    );
  });

  it('is handed on as it came, whatever its values are', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 5 }), { maxLength: 5 }), (values) => {
        const text = JSON.stringify({ ...reading('a'), values });
        const checked = check(text);
        if ('faults' in checked) expect(describeFaults(checked.faults)).toMatch(/not allowed|rounded|bytes/);
        else expect(JSON.stringify(checked.accepted.reading)).toBe(text);
      }),
      { seed: 20_261_121, numRuns: 500 },
    );
  });
});

describe('a timestamp', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01T00:00:00.000001Z', 1],
    ['1970-01-01T00:00:00.1Z', 100_000],
    ['1970-01-01T00:00:01,123456789Z', 1_123_456],
    ['1970-01-01T01:00:00+01:00', 0],
    ['1970-01-01 00:00:02', 2_000_000],
    ['1969-12-31T23:59:59Z', undefined],
    ['2025-13-01T00:00:00Z', undefined],
  ])('%s is %s microseconds', (text, micros) => {
    expect(timestampUs(text)).toBe(micros);
  });
});
