/** Every entry except vanillanet/node, bundled for Workers, edge functions and pages: it imports nothing of Node, and trains. */
import { readFile } from 'node:fs/promises';
import vm from 'node:vm';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import * as entry from '../../src/entries/train.js';
import { bundleFor, type Condition } from './bundle.js';
import { compileModules, WEB } from './realm.js';
import { weightsOf, type Choice } from './training.js';

const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, string | object>>;
};
/** The names of the JavaScript entries. */
const ENTRIES = Object.keys(exports)
  .filter((name) => typeof exports[name] === 'object' && 'node' in exports[name])
  .map((name) => name.replace('.', 'vanillanet'));
const PORTABLE = ENTRIES.filter((name) => name !== 'vanillanet/node');
const CONDITIONS = ['workerd', 'edge-light', 'browser'] as const satisfies readonly Condition[];

const importAll = (name: string): string => `import * as all from '${name}'; globalThis.names = Object.keys(all);`;
const openRealm = async (bundle: Awaited<ReturnType<typeof bundleFor>>, wasm: boolean): Promise<vm.Context> => {
  const realm = vm.createContext(
    { ...WEB, atob, deployed: await compileModules(bundle) },
    { codeGeneration: { strings: false, wasm } },
  );
  // Pages that are not cross-origin isolated lack it.
  vm.runInContext('delete globalThis.SharedArrayBuffer', realm);
  vm.runInContext(bundle.script, realm);
  return realm;
};

test('there are six portable entries', () => {
  expect(PORTABLE.map((name) => name.slice('vanillanet'.length))).toEqual([
    ...['', '/core', '/train', '/ops', '/tfjs', '/reference'],
  ]);
});

describe.each(CONDITIONS)('for %s', (condition) => {
  test.each(PORTABLE)('%s has no imports of Node, and no effects on import', async (name) => {
    const bundle = await bundleFor([condition], importAll(name));
    expect(bundle.script).not.toMatch(/["'`]node:|\beval\(|new Function/);
    // The realm has no timers, channels, crypto and fetch, which Workers forbid in global scope.
    const realm = await openRealm(bundle, false);
    expect(vm.runInContext('typeof setTimeout + typeof fetch', realm)).toBe('undefinedundefined');
    expect((vm.runInContext('names', realm) as string[]).length).toBeGreaterThan(3);
  });

  test('none has imports of Node even under the condition of Node', async () => {
    const program = PORTABLE.map((name, i) => `import * as entry${i} from '${name}'; globalThis[${i}] = entry${i};`);
    const { script } = await bundleFor([condition, 'node'], program.join('\n'));
    expect(script).not.toMatch(/["'`]node:/);
  });

  test('vanillanet/node needs Node', async () => {
    await expect(bundleFor([condition], importAll('vanillanet/node'))).rejects.toThrow('"node:');
  });
});

const TRAINING = `
import { resolveConfig } from 'vanillanet';
import * as entry from 'vanillanet/train';
import { weightsOf } from './test/entries/training.ts';
globalThis.weightsOf = (choice) => weightsOf({ ...entry, resolveConfig }, choice);`;
const trainInNode = (trainer: Choice['trainer']): Promise<string> =>
  weightsOf({ ...entry, resolveConfig }, { trainer });

let expected: string;
beforeAll(async () => {
  expected = await trainInNode('oracle');
});

describe.each([
  // As in workerd and edge-runtime: no MessageChannel, and no compilation from bytes.
  { condition: 'workerd', globals: { setTimeout }, wasm: false },
  { condition: 'edge-light', globals: { setTimeout }, wasm: false },
  { condition: 'browser', globals: { MessageChannel, Worker: Object }, wasm: true },
] as const)('training for $condition', ({ condition, globals, wasm }) => {
  let realm: vm.Context;
  let trainInRealm: (choice: Choice) => Promise<string>;
  beforeAll(async () => {
    realm = await openRealm(await bundleFor([condition], TRAINING), wasm);
    Object.assign(realm, globals);
    trainInRealm = vm.runInContext('weightsOf', realm) as typeof trainInRealm;
  });

  test('trains the same weights as in Node, bit for bit, with the reference, and yields to the event loop', async () => {
    let isHandled = false;
    setImmediate(() => {
      isHandled = true;
    });
    const training = trainInRealm({ trainer: 'oracle' }).then((weights) => [weights, isHandled]);
    expect(isHandled).toBe(false);
    expect(await training).toEqual([expected, true]);
  });

  test('trains with WebAssembly if modules can be compiled from bytes, and refuses it otherwise', async () => {
    if (wasm) expect(await trainInRealm({ trainer: 'wasm' })).toBe(await trainInNode('wasm'));
    else await expect(trainInRealm({ trainer: 'wasm' })).rejects.toThrow('wasm: expected');
  });

  test('refuses threads and files', async () => {
    await expect(trainInRealm({ trainer: 'oracle', workers: 2 })).rejects.toThrow(
      'workers: expected 0, as this runtime has no threads for images, got 2',
    );
    await expect(trainInRealm({ trainer: 'oracle', set: 'onDisk' })).rejects.toThrow(
      'files: expected images in memory, as this runtime reads no files, got /pictures',
    );
  });
});
