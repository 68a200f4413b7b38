/**
 * Compression of stored values by the platform's zlib (Node, Deno, Bun). Small values at once, on the caller's thread;
 * above 32 KiB on zlib's own. What comes out of decompressing is bounded, whatever went in.
 */
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { nodeModule } from '../../structures/node-module.ts';

/** How values are made smaller. */
export interface Compression {
  /** 1 deflate, 2 gzip, 3 brotli, 4 zstd. */
  readonly id: number;
  readonly name: string;
  compress(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

type Sync = (bytes: Uint8Array, options: object) => Uint8Array;
type Async = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Uint8Array) => void) => void;

interface Zlib extends Readonly<Record<string, unknown>> {
  readonly constants: Readonly<Record<string, number>>;
}

/** Above this many bytes zlib works beside the program. */
const SYNC_BYTES = 32 * 1024;

interface Method {
  readonly name: string;
  readonly compress: string;
  readonly decompress: string;
  readonly options: (constants: Readonly<Record<string, number>>) => object;
}

const methods: readonly (Method | undefined)[] = [
  undefined,
  { name: 'deflate', compress: 'deflate', decompress: 'inflate', options: () => ({ level: 1 }) },
  { name: 'gzip', compress: 'gzip', decompress: 'gunzip', options: () => ({ level: 1 }) },
  {
    name: 'brotli',
    compress: 'brotliCompress',
    decompress: 'brotliDecompress',
    options: (constants) => ({ params: { [constants['BROTLI_PARAM_QUALITY']!]: 4 } }),
  },
  { name: 'zstd', compress: 'zstdCompress', decompress: 'zstdDecompress', options: () => ({}) },
];

function run(zlib: Zlib, method: string, bytes: Uint8Array, options: object): Uint8Array | Promise<Uint8Array> {
  if (bytes.length <= SYNC_BYTES) return (zlib[`${method}Sync`] as Sync)(bytes, options);
  return new Promise((resolve, reject) => {
    (zlib[method] as Async)(bytes, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function compression(id: number): Compression {
  const method = methods[id]!;
  const zlib = nodeModule<Zlib>('node:zlib');
  if (typeof zlib?.[method.compress] !== 'function') {
    const expected = `a platform whose zlib has ${method.name}`;
    throw new ConfigurationError([{ path: `compression.${method.name}`, expected, received: 'one without' }]);
  }
  const options = method.options(zlib.constants);
  return { id, name: method.name, compress: (bytes) => run(zlib, method.compress, bytes, options) };
}

/** Deflate at level 1: the quickest, and good enough for JSON. @throws ConfigurationError where the platform lacks it. */
export function deflate(): Compression {
  return compression(1);
}

/** Gzip at level 1. @throws ConfigurationError where the platform lacks it. */
export function gzip(): Compression {
  return compression(2);
}

/** Brotli at quality 4: smaller, several times slower. @throws ConfigurationError where the platform lacks it. */
export function brotli(): Compression {
  return compression(3);
}

/** Zstandard. @throws ConfigurationError where the platform lacks it: Node before 22.15. */
export function zstd(): Compression {
  return compression(4);
}

/** @internal Undoes the compression with this id; throws when the bytes are not that, or too many. */
export function decompress(id: number, bytes: Uint8Array, maxBytes: number): Uint8Array | Promise<Uint8Array> {
  const method = methods[id];
  const zlib = nodeModule<Zlib>('node:zlib');
  if (method === undefined || typeof zlib?.[method.decompress] !== 'function') {
    throw new TypeError(`compression ${id} is not known here`);
  }
  return run(zlib, method.decompress, bytes, { maxOutputLength: maxBytes });
}
