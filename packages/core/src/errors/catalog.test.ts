import { describe, expect, it } from 'vitest';
import { rejection } from '../testing/test-support/watched.ts';
import { BreakwaterError, errorCatalog, problemDetails } from './index.ts';

const shop = () =>
  errorCatalog({
    categories: { stock: { status: 409, title: 'Not in stock', retryable: false } },
    errors: [
      { code: 'OUT_OF_STOCK', category: 'stock', title: 'Out of stock', type: 'https://shop.example/errors/stock' },
      { code: 'CART_EXPIRED', category: 'validation', status: 410, retryable: true },
    ],
    classify: (error) => (error === 'strange' ? { category: 'stock', code: 'STRANGE', retryable: true } : undefined),
  });

describe('an error catalog', () => {
  it('makes errors of an application, with its categories', () => {
    const error = shop().error('OUT_OF_STOCK', { details: { sku: 7 }, retryAfterMs: 5 });
    expect(error).toBeInstanceOf(BreakwaterError);
    expect(error).toMatchObject({
      code: 'OUT_OF_STOCK',
      category: 'stock',
      message: 'Out of stock',
      details: { sku: 7 },
      retryAfterMs: 5,
    });
    expect(shop().error('CART_EXPIRED', { message: 'too late' }).message).toBe('too late');
    expect(() => shop().error('OTHER')).toThrow(
      /errorCatalog.error: expected the code of an error that was registered, received 'OTHER'/,
    );
  });

  it('gives its errors their title, status and type in problem details', () => {
    const catalog = shop();
    expect(problemDetails(catalog.error('OUT_OF_STOCK'), { catalog })).toMatchObject({
      type: 'https://shop.example/errors/stock',
      title: 'Out of stock',
      status: 409,
    });
    expect(problemDetails(catalog.error('CART_EXPIRED'), { catalog })).toMatchObject({
      type: 'about:blank',
      title: 'The request is not valid',
      status: 410,
    });
    expect(catalog.presentation({ category: 'nobody knows', code: 'X' })).toMatchObject({
      status: 500,
      title: 'Internal error',
    });
  });

  it('says whether another try may help as the error, its definition or its category says, in this order', () => {
    const catalog = shop();
    expect(catalog.classify(catalog.error('CART_EXPIRED')).retryable).toBe(true);
    expect(catalog.classify(catalog.error('OUT_OF_STOCK')).retryable).toBe(false);
    expect(catalog.classify(Object.assign(catalog.error('CART_EXPIRED'), { retryable: false })).retryable).toBe(false);
    expect(catalog.classify('strange')).toEqual({ category: 'stock', code: 'STRANGE', retryable: false });
    expect(catalog.classify(new Error('x')).code).toBe('UNKNOWN');
  });

  it('tells an error as the library does where a function of the application throws over it', () => {
    const catalog = errorCatalog({
      classify: (error) => ({
        category: 'stock',
        code: (error as { stock: { code: string } }).stock.code,
        retryable: false,
      }),
    });
    expect(catalog.classify(Object.assign(new Error('x'), { status: 503 })).code).toBe('API_503');
    expect(catalog.classify({ stock: { code: 'OUT' } }).code).toBe('OUT');
  });

  it('takes errors of modules that come later, and tells what it has', async () => {
    const catalog = shop();
    catalog.register({ code: 'PAYMENT_HELD', category: 'external_service' });
    expect(catalog.definition('PAYMENT_HELD')).toEqual({ code: 'PAYMENT_HELD', category: 'external_service' });
    expect(catalog.definition('OTHER')).toBeUndefined();
    expect(catalog.category('stock')).toMatchObject({ status: 409 });
    const again = async (): Promise<void> => catalog.register({ code: 'PAYMENT_HELD', category: 'cache' });
    expect(await rejection(again())).toMatchObject({ code: 'CONFIGURATION' });
  });

  it('refuses what can not be meant, all at once', () => {
    expect(() =>
      errorCatalog({
        categories: { network: { status: 500, title: 'x', retryable: true } },
        errors: [
          { code: 'lower', category: 'stock', status: 200 },
          { code: 'TWICE', category: 'cache' },
          { code: 'TWICE', category: 'cache' },
        ],
      }),
    ).toThrow(
      /categories\.network: .*\n.*errors\[0\]\.code: .*\n.*errors\[0\]\.category: .*\n.*errors\[0\]\.status: .*\n.*errors\[2\]\.code: expected a code of its own/,
    );
  });
});
