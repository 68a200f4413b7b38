import { describe, expect, it, vi } from 'vitest';
import { brotli, type Compression, decompress, deflate, gzip, zstd } from './compression.ts';
import { textBytes } from './codec.ts';

const text = textBytes('the same words again and again, '.repeat(50));
const large = textBytes('the same words again and again, '.repeat(5_000));

/** Whether this platform's zlib has it: browsers have none, and Node has zstd since 22.15. */
function made(make: () => Compression): Compression | undefined {
  try {
    return make();
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIGURATION' });
    return undefined;
  }
}

/** Runs `test` on a platform whose zlib is this. */
function withZlib<T>(zlib: object | undefined, test: () => T): T {
  vi.stubGlobal('process', { getBuiltinModule: () => zlib });
  try {
    return test();
  } finally {
    vi.unstubAllGlobals();
  }
}

describe.each([
  ['deflate', deflate],
  ['gzip', gzip],
  ['brotli', brotli],
  ['zstd', zstd],
] as const)('%s', (name, make) => {
  it('makes small and large values smaller, and gives them back', async () => {
    const method = made(make);
    for (const bytes of method === undefined ? [] : [text, large]) {
      const compressed = await method!.compress(bytes);
      expect(compressed.length).toBeLessThan(bytes.length / 10);
      expect([...(await decompress(method!.id, compressed, 1_000_000))]).toEqual([...bytes]);
    }
  });

  it('gives nothing back of bytes that are not its own, or of more than is allowed', async () => {
    const method = made(make);
    if (method === undefined) return;
    const asked = async (bytes: Uint8Array, most: number): Promise<Uint8Array> => decompress(method.id, bytes, most);
    await expect(asked(text, 1_000_000)).rejects.toThrow(/./);
    await expect(asked(large, 1_000_000)).rejects.toThrow(/./);
    await expect(asked(await method.compress(large), 1_000)).rejects.toThrow(/./);
  });

  it('says so where the platform does not have it', () => {
    for (const zlib of [undefined, { constants: {} }])
      expect(() => withZlib(zlib, make)).toThrow(`compression.${name}: expected a platform whose zlib has ${name}`);
  });
});

describe('a platform that makes nothing of bytes that are not its own, and does not say so', () => {
  it('gives nothing back, at once or beside the program', async () => {
    const nothing = new Uint8Array(0);
    const quiet = {
      constants: {},
      brotliDecompressSync: () => nothing,
      brotliDecompress: (_bytes: Uint8Array, _options: object, done: (error: null, result: Uint8Array) => void) =>
        done(null, nothing),
    };
    expect(() => withZlib(quiet, () => decompress(3, text, 1_000))).toThrow('nothing comes out');
    await expect(withZlib(quiet, () => decompress(3, large, 1_000))).rejects.toThrow('nothing comes out');
  });
});

describe('a compression that is not known', () => {
  it('is refused, as is one that this platform does not have', () => {
    for (const id of [0, 5, 99])
      expect(() => decompress(id, text, 1_000)).toThrow(`compression ${id} is not known here`);
    expect(() => withZlib({ constants: {} }, () => decompress(1, text, 1_000))).toThrow(TypeError);
  });
});
