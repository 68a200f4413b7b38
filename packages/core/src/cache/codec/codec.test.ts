import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../testing/test-support/property-runs.ts';
import { crc32, ownCrc32 } from './crc32.ts';
import { brotli, deflate, gzip } from './compression.ts';
import { type Envelope, EnvelopeReader, PoisonError, sealed } from './envelope.ts';
import { jsonCodec } from './json-codec.ts';
import { packCodec } from './pack-codec.ts';
import { richCodec } from './rich-codec.ts';
import { ValueCodec, type ValueCodecOptions } from './value-codec.ts';

const facts = {
  key: 'a',
  codec: 1,
  compression: 0,
  schemaVersion: 3,
  createdAt: 1_700_000_000_000,
  freshMs: 1_000,
  graceMs: Infinity,
  etag: 'W/"1"',
  generations: [['', 'g1']] as const,
};
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const opened = (whole: Uint8Array, key: string, schemaVersion: number): Envelope =>
  new EnvelopeReader(schemaVersion).open(whole, key);

const fault = (act: () => unknown): string | undefined => {
  try {
    act();
  } catch (error) {
    return error instanceof PoisonError ? error.fault : `not poison: ${String(error)}`;
  }
  return undefined;
};

describe('an envelope', () => {
  it('gives back what was put in', () => {
    const sealedBytes = sealed(facts, bytes(1, 2, 3));
    expect(opened(sealedBytes, 'a', 3)).toEqual({ ...facts, tags: [], payload: bytes(1, 2, 3) });
    const within = new Uint8Array(sealedBytes.length + 10);
    within.set(sealedBytes, 10);
    expect(opened(within.subarray(10), 'a', 3).payload).toEqual(bytes(1, 2, 3));
  });

  it('is known to be torn, whichever byte was changed or wherever it was cut', () => {
    const whole = sealed(facts, bytes(1, 2, 3));
    for (let at = 0; at < whole.length; at++) {
      const flipped = whole.slice();
      flipped[at]! ^= 1;
      expect(['torn', 'not ours']).toContain(fault(() => opened(flipped, 'a', 3)));
      expect(['torn', 'not ours']).toContain(fault(() => opened(whole.subarray(0, at), 'a', 3)));
    }
    expect(fault(() => opened(Uint8Array.from([...whole, 0]), 'a', 3))).toBe('torn');
  });

  it('is not taken under another key, nor as another schema version', () => {
    const whole = sealed(facts, bytes(1));
    expect(fault(() => opened(whole, 'b', 3))).toBe('of another key');
    expect(fault(() => opened(whole, 'a', 4))).toBe('of another schema');
  });

  it('is taken under its own key only, whatever that is written in', () => {
    for (const key of ['ключ', 'clé', 'key', 'k\u00e9y', '']) {
      const whole = sealed({ ...facts, key }, bytes(1));
      expect(opened(whole, key, 3).key).toBe(key);
      expect(fault(() => opened(whole, `${key}x`, 3))).toBe('of another key');
      expect(fault(() => opened(whole, `x${key.slice(1)}`, 3))).toBe('of another key');
    }
  });

  it('says what is said of its own value, whatever envelope was read before it', () => {
    const reader = new EnvelopeReader(3);
    const one = sealed(facts, bytes(1));
    const others = [
      sealed({ ...facts, etag: undefined, generations: [['', 'g1'] as const, ['t', 'g7'] as const] }, bytes(2)),
      sealed({ ...facts, etag: 'W/"2"' }, bytes(3)),
    ];
    for (const whole of [one, one, ...others, one, ...others]) {
      expect(reader.open(whole, 'a')).toEqual(opened(whole, 'a', 3));
    }
    expect(others.map((whole) => reader.open(whole, 'a').tags)).toEqual([['t'], []]);
  });
});

describe('a checksum', () => {
  it('is the one that everybody has', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(bytes(3, 4), crc32(bytes(1, 2)))).toBe(crc32(bytes(1, 2, 3, 4)));
  });

  it('is the same from the platform, where that has one, and without it', () => {
    for (const size of [0, 1, 3, 4, 5, 2_047, 2_048, 5_001]) {
      const some = Uint8Array.from({ length: size }, (_, at) => (at * 7) % 251);
      expect(crc32(some, 5)).toBe(ownCrc32(some, 5));
      expect(crc32(some, 5, 3)).toBe(ownCrc32(some.subarray(3), 5));
    }
  });
});

describe('JSON', () => {
  it('refuses what it has no form for', () => {
    expect(() => jsonCodec.encode(undefined)).toThrow(TypeError);
    expect(() => jsonCodec.decode(bytes(0xff, 0xfe))).toThrow(TypeError);
  });
});

describe('the rich codec', () => {
  const round = (value: unknown): unknown => richCodec.decode(richCodec.encode(value));

  it('keeps what JSON loses', () => {
    const value = {
      at: new Date(1_700_000_000_000),
      invalid: new Date(NaN),
      map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1n, undefined])]]),
      bytes: bytes(0, 255, 7),
      numbers: [NaN, Infinity, -Infinity, -0, 0],
      nothing: undefined,
      none: null,
    };
    expect(round(value)).toEqual(value);
    expect(Object.is((round([-0]) as number[])[0], -0)).toBe(true);
  });

  it('keeps a row that looks like one of its own marks, and keys that are names of prototypes', () => {
    const mark = '\u0001bw';
    for (const value of [[mark, 'date', 5], [mark], [[mark, 'row', mark]], { ['__proto__']: { polluted: true } }]) {
      expect(round(value)).toEqual(value);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('gives back any plain value as it was', () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, maxDepth: 3 });
    fc.assert(
      fc.property(anything, (value) => {
        expect(round(value)).toEqual(value);
      }),
      propertyRuns(300),
    );
  });

  it('refuses to read a kind that it does not know', () => {
    const strange = new TextEncoder().encode(JSON.stringify(['\u0001bw', 'function', 'alert(1)']));
    expect(() => richCodec.decode(strange)).toThrow('nothing is known of a function');
  });

  it('refuses what it can not keep: functions, classes, a value within itself', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    for (const value of [() => 1, Symbol('x'), loop, new URL('http://x')]) {
      expect(() => richCodec.encode(value)).toThrow(TypeError);
    }
  });
});

describe('a packer of the caller’s', () => {
  it('writes and reads', () => {
    const packer = { pack: () => bytes(9), unpack: ([first]: Uint8Array) => first };
    const codec = packCodec(packer);
    expect([codec.encode('x'), codec.decode(bytes(9)), codec.id]).toEqual([bytes(9), 9, 3]);
  });
});

describe('a value on its way to the second tier and back', () => {
  const options: ValueCodecOptions<unknown> = {
    codec: jsonCodec,
    compression: undefined,
    compressAboveBytes: 1_024,
    maxValueBytes: 1_000_000,
    schemaVersion: 0,
    schema: undefined,
  };
  const { codec: _codec, compression: _compression, schemaVersion: _schemaVersion, ...about } = facts;
  const hasZlib =
    typeof (globalThis as { process?: { getBuiltinModule?: unknown } }).process?.getBuiltinModule === 'function';

  it.skipIf(!hasZlib).each([deflate, gzip, brotli])(
    'is packed when it is large, at once or beside the program',
    async (method) => {
      const codec = new ValueCodec({ ...options, compression: method() });
      for (const size of [2_000, 100_000]) {
        const value = 'x'.repeat(size);
        const written = await codec.write(value, about);
        expect(written.length).toBeLessThan(size / 4);
        expect((await codec.read(written, 'a')).value).toBe(value);
      }
      const small = await codec.write('small', about);
      expect(opened(small, 'a', 0).compression).toBe(0);
    },
  );

  it.skipIf(!hasZlib)('is not unpacked beyond its bound', async () => {
    const bomb = await new ValueCodec({ ...options, compression: deflate() }).write('x'.repeat(900_000), about);
    const careful = new ValueCodec({ ...options, maxValueBytes: 10_000 });
    await expect(careful.read(bomb, 'a')).rejects.toMatchObject({ fault: 'undecodable' });
  });

  it('is refused when it is too large, and a miss when another codec wrote it or it does not parse', async () => {
    await expect(new ValueCodec({ ...options, maxValueBytes: 5 }).write('too long', about)).rejects.toThrow(RangeError);
    const written = await new ValueCodec({ ...options, codec: richCodec }).write('x', about);
    expect(fault(() => new ValueCodec(options).read(written, 'a'))).toBe('of an unknown codec');
    const broken = sealed({ ...facts, schemaVersion: 0 }, new TextEncoder().encode('{"a":'));
    expect(fault(() => new ValueCodec(options).read(broken, 'a'))).toBe('undecodable');
  });

  it('is what its schema makes of it, also when that throws or takes its time', async () => {
    const schema = (validate: (value: unknown) => unknown): ValueCodec<unknown> =>
      new ValueCodec({ ...options, schema: { '~standard': { version: 1, vendor: 'test', validate } } as never });
    const written = await new ValueCodec(options).write({ n: '1' }, about);
    const read = async (codec: ValueCodec<unknown>): Promise<unknown> => (await codec.read(written, 'a')).value;
    expect(await read(schema(async () => ({ value: { n: 1 } })))).toEqual({ n: 1 });
    await expect(read(schema(() => ({ issues: [{ message: 'no' }] })))).rejects.toMatchObject({ fault: 'invalid' });
    const bug = (): never => {
      throw new Error('bug');
    };
    await expect(read(schema(bug))).rejects.toMatchObject({ fault: 'invalid' });
  });
});
