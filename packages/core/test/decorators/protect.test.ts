/* oxlint-disable typescript/unbound-method -- methods are looked at here, not called unbound */
/**
 * The engines and the test runner don't know decorators yet, so these classes are compiled first, by the compiler that
 * users have; the types of the fixture are checked with all other tests.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pipeline, protect, type ProtectOptions } from 'breakwater';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type * as Fixture from './fixture/inventory.ts';

const root = join(import.meta.dirname, '../../../..');
const fixture = join(import.meta.dirname, 'fixture');
const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'decorators-'));
let Inventory: typeof Fixture.Inventory;
let SpecialInventory: typeof Fixture.SpecialInventory;
let keys: typeof Fixture.keys;
let refused: typeof Fixture.refused;

beforeAll(async () => {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const flags = ['--noCheck', '--ignoreConfig', '--target', 'es2022', '--module', 'nodenext', '--rootDir', fixture];
  const source = join(fixture, 'inventory.ts');
  execFileSync(process.execPath, [join(root, 'node_modules/ts7/bin/tsc'), ...flags, '--outDir', folder, source]);
  ({ Inventory, SpecialInventory, keys, refused } = (await import(
    pathToFileURL(join(folder, 'inventory.js')).href
  )) as typeof Fixture);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => void (keys.length = 0));

describe('a protected method', () => {
  it('was compiled: no decorator is left in what runs', () => {
    const compiled = readFileSync(join(folder, 'inventory.js'), 'utf8');
    expect(compiled).toContain('__esDecorate');
    expect(compiled).not.toMatch(/^\s*@/m);
  });

  it('runs under its pipeline, with its own `this`, private fields included, and all its parameters', async () => {
    const inventory = new Inventory('shelf');
    inventory.failures = 1;
    await expect(inventory.item('a', 'b', 'c')).resolves.toEqual({ sku: 'a b c', from: 'shelf' });
    expect(inventory.failures).toBe(-1);
    inventory.failures = 2;
    await expect(inventory.item('a')).rejects.toThrow('no a');
  });

  it('keeps its name and its number of parameters', () => {
    const { item, sized } = Inventory.prototype;
    expect([item.name, item.length, sized.name, sized.length]).toEqual(['item', 1, 'sized', 2]);
  });

  it('is one for all instances, each of which keeps to itself', async () => {
    const [first, second] = [new Inventory('first'), new Inventory('second')];
    expect(first.item).toBe(second.item);
    first.failures = 5;
    const ends = await Promise.allSettled([first.item('a'), second.item('a')]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('makes the key of each call from its parameters, or has a fixed one, or none', async () => {
    const inventory = new Inventory('shelf');
    await inventory.sized('a', 5);
    await inventory.stale('a');
    await inventory.item('a');
    // The protected method that `stale` calls is a call of its own, which ends first.
    expect(keys).toEqual(['a/5', undefined, undefined, 'stale', undefined]);
  });

  it('rejects with what the function for its key throws, without being called', async () => {
    await expect(new Inventory('shelf').unkeyed()).rejects.toThrow(new RangeError('no key'));
    expect(keys).toEqual([]);
  });

  it('may be inherited, overridden and called by `super`', async () => {
    const special = new SpecialInventory('safe');
    special.failures = 1;
    await expect(special.item('a')).resolves.toEqual({ sku: 'special a', from: 'safe' });
    await expect(special.sized('a', 1)).resolves.toBe('a of 1 from safe');
  });

  it('may be static, private, or generic', async () => {
    const inventory = await Inventory.open('shelf');
    expect(inventory).toBeInstanceOf(Inventory);
    const list: readonly 5[] = await inventory.generic(5);
    expect(list).toEqual([5]);
  });
});

describe('the fallback of a protected method', () => {
  it('gives a substitute from the error, the parameters and `this`, when all attempts have failed', async () => {
    await expect(new Inventory('shelf').stale('a')).resolves.toEqual({ sku: 'a', from: 'shelf, stale: a is out' });
  });

  it('that fails itself is what the caller sees, with the first error as its cause', async () => {
    const error: unknown = await new Inventory('shelf').hopeless('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: 'no substitute either', cause: { message: 'a is out' } });
  });
});

describe('protect', () => {
  const decorate = (options: object, context: unknown = { kind: 'method' }): unknown =>
    (protect(pipeline(), options) as unknown as (...given: unknown[]) => unknown)(async () => undefined, context);

  it.each([
    ['a getter', { kind: 'getter' }, /received a getter/],
    ['a class', { kind: 'class' }, /received a class/],
    ['a method by an experimental decorator', 'item', /experimental decorators/],
    ['nothing', null, /experimental decorators/],
  ])('refuses %s', (_title, context, message) => {
    expect(() => decorate({}, context)).toThrow(message);
  });

  it('refuses what is no pipeline, and options that can’t be meant, as soon as the class is defined', () => {
    expect(() => protect(undefined as never)).toThrow(/protect: expected a pipeline, received undefined/);
    expect(() => protect({} as never)).toThrow(/expected a pipeline/);
    const wrong = { key: 5, fallback: 'no', priority: 'urgent', cost: -1, deadlineMs: Number.NaN, signal: 1 };
    const faults = Object.keys(wrong).map((name) => expect.objectContaining({ path: `protect.${name}` }) as unknown);
    expect(() => decorate(wrong)).toThrow(expect.objectContaining({ faults }));
  });

  it('leaves it to the compiler to say which methods a pipeline and the functions of its options fit', () => {
    expect(new (refused() as new () => object)()).toHaveProperty('lookUp');
  });

  it('gives each call the priority, cost and deadline that it was given', async () => {
    const calls = pipeline();
    const options: ProtectOptions<unknown, [], [], never> = { priority: 'low', cost: 3, deadlineMs: 500 };
    const seen: unknown[] = [];
    const spy = { kind: 'pipeline', execute: (_fn: unknown, given: unknown) => Promise.resolve(seen.push(given)) };
    const protectBy = (target: unknown): ((...given: unknown[]) => () => Promise<unknown>) =>
      protect(target as typeof calls, options) as never;
    await protectBy(spy)(async () => undefined, { kind: 'method' })();
    expect(seen).toEqual([{ ...options, key: undefined }]);
  });
});
