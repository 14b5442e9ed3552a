/** Every entry but Node's own, as bundlers make it for Workers, edge functions and pages: whole, and able to train. */
import { readFile } from 'node:fs/promises';
import vm from 'node:vm';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import * as entry from '../../src/entries/train.js';
import { bundleFor, type Condition } from './bundle.js';
import { compiled, WEB } from './realm.js';
import { weightsOf, type Choice } from './training.js';

const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly node?: string }>>;
};
/** Those that are JavaScript, as programs name them. */
const ENTRIES = Object.keys(exports)
  .filter((name) => typeof exports[name] === 'object' && 'node' in exports[name])
  .map((name) => name.replace('.', 'vanillanet'));
const PORTABLE = ENTRIES.filter((name) => name !== 'vanillanet/node');
const CONDITIONS = ['workerd', 'edge-light', 'browser'] as const satisfies readonly Condition[];

const importing = (name: string): string => `import * as all from '${name}'; globalThis.names = Object.keys(all);`;
const openRealm = async (bundle: Awaited<ReturnType<typeof bundleFor>>, wasm: boolean): Promise<vm.Context> => {
  const realm = vm.createContext(
    { ...WEB, atob, deployed: await compiled(bundle) },
    { codeGeneration: { strings: false, wasm } },
  );
  // What a page without isolation lacks.
  vm.runInContext('delete globalThis.SharedArrayBuffer', realm);
  vm.runInContext(bundle.script, realm);
  return realm;
};

test('there are six of them', () => {
  expect(PORTABLE.map((name) => name.slice('vanillanet'.length))).toEqual([
    ...['', '/core', '/train', '/ops', '/tfjs', '/reference'],
  ]);
});

describe.each(CONDITIONS)('for %s', (condition) => {
  test.each(PORTABLE)('%s is bundled without Node, and asks for nothing when it is imported', async (name) => {
    const bundle = await bundleFor([condition], importing(name));
    expect(bundle.script).not.toMatch(/["'`]node:|\beval\(|new Function/);
    // Here are no timers, no channels, no crypto and no fetch, which Workers refuse to a script that only begins.
    const realm = await openRealm(bundle, false);
    expect(vm.runInContext('typeof setTimeout + typeof fetch', realm)).toBe('undefinedundefined');
    expect((vm.runInContext('names', realm) as string[]).length).toBeGreaterThan(3);
  });

  test.each(PORTABLE)('%s is so where the condition of Node holds as well', async (name) => {
    const { script } = await bundleFor([condition, 'node'], importing(name));
    expect(script).not.toMatch(/["'`]node:/);
  });

  test("vanillanet/node is Node's", async () => {
    await expect(bundleFor([condition], importing('vanillanet/node'))).rejects.toThrow('"node:');
  });
});

const TRAINS = `
import { resolveConfig } from 'vanillanet';
import * as entry from 'vanillanet/train';
import { weightsOf } from './test/entries/training.ts';
globalThis.weightsOf = (choice) => weightsOf({ ...entry, resolveConfig }, choice);`;
const here = (choice: Choice): Promise<string> => weightsOf({ ...entry, resolveConfig }, choice);

describe.each([
  // As in workerd and edge-runtime: no channel for messages, and no module compiled from bytes.
  { condition: 'workerd', turns: { setTimeout }, wasm: false },
  { condition: 'edge-light', turns: { setTimeout }, wasm: false },
  { condition: 'browser', turns: { MessageChannel }, wasm: true },
] as const)('training for $condition', ({ condition, turns, wasm }) => {
  let realm: vm.Context;
  let there: (choice: Choice) => Promise<string>;
  beforeAll(async () => {
    realm = await openRealm(await bundleFor([condition], TRAINS), wasm);
    Object.assign(realm, turns);
    there = vm.runInContext('weightsOf', realm) as typeof there;
  });

  test('makes the weights that it makes in Node, to the bit, with the oracle', async () => {
    expect(await there({ trainer: 'oracle' })).toBe(await here({ trainer: 'oracle' }));
  });

  test('so does the engine, where modules are compiled from bytes, and is refused by name where not', async () => {
    if (wasm) expect(await there({ trainer: 'wasm' })).toBe(await here({ trainer: 'wasm' }));
    else await expect(there({ trainer: 'wasm' })).rejects.toThrow('wasm: expected');
  });

  test('lets events happen on the way', async () => {
    let happened = false;
    setImmediate(() => {
      happened = true;
    });
    const ended = there({ trainer: 'oracle' }).then(() => happened);
    expect(happened).toBe(false);
    expect(await ended).toBe(true);
  });

  test('refuses threads and files in plain words', async () => {
    await expect(there({ trainer: 'oracle', workers: 2 })).rejects.toThrow(
      'workers: expected 0, as this runtime has no threads for images, got 2',
    );
    await expect(there({ trainer: 'oracle', set: 'onDisk' })).rejects.toThrow(
      'files: expected images in memory, as this runtime reads no files, got /pictures',
    );
  });
});
