/** A cache of converted images: the same image in two formats is two entries, and it is converted once however many ask. */
import { resolveOptions } from '../../options/resolve.ts';
import { callable, integer, type Rules } from '../../options/rules.ts';
import { policyOptionRules, type PolicyOptions } from '../../policy/policy-base.ts';
import { type Cache, createCache } from '../cache.ts';
import { sha256Hex } from '../sha256.ts';
import type { CacheStatistics } from '../statistics.ts';
import { lifetime } from '../stores/memory/options.ts';
import { base64Of, parseImageUrl } from './data-url.ts';

/** What a converter gives. */
export interface ConvertedBytes {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Converts an image; with sharp, say. */
export type ImageConverter = (
  bytes: Uint8Array,
  format: string,
  context: { readonly signal: AbortSignal; readonly mediaType: string },
) => PromiseLike<ConvertedBytes>;

/** A converted image. */
export interface CachedImage {
  /** The image in its new format, as base64. */
  readonly data: string;
  readonly metadata: {
    readonly originalBytes: number;
    readonly compressedBytes: number;
    readonly width: number;
    readonly height: number;
    readonly format: string;
    /** Compressed by original size. */
    readonly ratio: number;
  };
}

/** Options of an image cache. */
export interface ImageCacheOptions extends PolicyOptions {
  readonly convert: ImageConverter;
  /** How many images are kept: an integer of at least 1; default 100. */
  readonly maxEntries?: number | undefined;
  /** How long; default one hour. */
  readonly ttlMs?: number | undefined;
  /** How large an image may be that comes in; default 10 MiB. */
  readonly maxImageBytes?: number | undefined;
}

/** What an image cache has done so far. */
export interface ImageCacheStatistics extends CacheStatistics {
  /** Bytes of images that came in to be converted. */
  readonly originalBytes: number;
  /** Bytes of what they were converted to. */
  readonly compressedBytes: number;
}

/** A cache of converted images; made by {@link imageCache}. */
export interface ImageCache {
  readonly statistics: ImageCacheStatistics;
  /**
   * The image of a data URL in a format such as `webp`. Rejects with an ImageDataError when the URL is none of an image,
   * and with what the converter rejects with.
   */
  convert(dataUrl: string, format: string, options?: { readonly signal?: AbortSignal }): Promise<CachedImage>;
  /** Removes an image; true when it was there. */
  delete(dataUrl: string, format: string): Promise<boolean>;
  clear(): Promise<void>;
  close(): Promise<number>;
}

const defaults: { readonly maxEntries: 100; readonly ttlMs: 3_600_000; readonly maxImageBytes: 10_485_760 } =
  Object.freeze({ maxEntries: 100, ttlMs: 3_600_000, maxImageBytes: 10_485_760 });

const rules: Rules<ImageCacheOptions> = {
  ...policyOptionRules,
  convert: callable<ImageConverter>('a function that converts an image'),
  maxEntries: integer(1),
  ttlMs: lifetime(),
  maxImageBytes: integer(1),
};

const format = /^[a-z0-9]{1,20}$/;

/** The key of an image in a format: the SHA-256 of `dataUrl:format`. */
export function imageKey(dataUrl: string, targetFormat: string): string {
  return sha256Hex(`${dataUrl}:${targetFormat}`);
}

/**
 * Makes a cache of converted images: 100 of them for an hour, each of 10 MiB at most.
 *
 * @throws ConfigurationError when the options can't be meant.
 */
export function imageCache(options: ImageCacheOptions): ImageCache {
  return new ConvertedImages(options);
}

class ConvertedImages implements ImageCache {
  private readonly cache: Cache<CachedImage>;
  private readonly converter: ImageConverter;
  private readonly maxImageBytes: number;
  private originalBytes = 0;
  private compressedBytes = 0;

  constructor(given: ImageCacheOptions) {
    const options = resolveOptions('imageCache', given, defaults, rules, ['convert']);
    const { maxEntries, ttlMs, clock, random, name = 'images' } = options;
    this.cache = createCache({ namespace: 'images', values: 'frozen', maxEntries, ttlMs, clock, random, name });
    this.converter = options.convert;
    this.maxImageBytes = options.maxImageBytes;
  }

  get statistics(): ImageCacheStatistics {
    const { originalBytes, compressedBytes } = this;
    return { ...this.cache.statistics, originalBytes, compressedBytes };
  }

  async convert(
    dataUrl: string,
    target: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<CachedImage> {
    if (!format.test(target)) throw new RangeError('a format is a short word such as webp');
    const load = (_key: string, { signal }: { readonly signal: AbortSignal }): Promise<CachedImage> =>
      this.load(dataUrl, target, signal);
    return this.cache.getOrLoad(imageKey(dataUrl, target), load, { signal: options.signal });
  }

  delete(dataUrl: string, target: string): Promise<boolean> {
    return this.cache.delete(imageKey(dataUrl, target));
  }

  clear(): Promise<void> {
    return this.cache.clear();
  }

  close(): Promise<number> {
    return this.cache.close();
  }

  private async load(dataUrl: string, target: string, signal: AbortSignal): Promise<CachedImage> {
    const { mediaType, bytes } = parseImageUrl(dataUrl, this.maxImageBytes);
    const converted = await this.converter(bytes, target, { signal, mediaType });
    const [originalBytes, compressedBytes] = [bytes.length, converted.bytes.length];
    this.originalBytes += originalBytes;
    this.compressedBytes += compressedBytes;
    const { width, height } = converted;
    const metadata = {
      originalBytes,
      compressedBytes,
      width,
      height,
      format: target,
      ratio: compressedBytes / originalBytes,
    };
    return { data: base64Of(converted.bytes), metadata };
  }
}
