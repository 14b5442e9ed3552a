/**
 * The package for edge runtimes: bundled under their conditions, within their size limits, and run without
 * WebAssembly compilation, `eval` and Node.
 */
import { readFile } from 'node:fs/promises';
import vm from 'node:vm';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { EdgeRuntime } from 'edge-runtime';
import { loadModel } from '../../src/model/loadModel.js';
import { bundleFor, type EdgeBundle } from './bundle.js';
import { compileModules, compile, WEB } from './realm.js';

/** Bytes of gzip in a Worker, without decoders and weights. */
const BUDGET = 60_000;

const CORE = `
import { loadModel } from 'vanillanet/core';
import wasm from 'vanillanet/plain.wasm';
globalThis.load = (weights) => loadModel(weights, { wasm });`;
const PACKAGE = `
import { loadModel } from 'vanillanet';
globalThis.load = (weights, threads = 1) => loadModel(weights, { build: 'plain', threads });`;

const PROGRAMS = [
  { label: 'core for workerd', condition: 'workerd', program: CORE },
  { label: 'the package for workerd', condition: 'workerd', program: PACKAGE },
  { label: 'core for edge-light', condition: 'edge-light', program: CORE },
  { label: 'the package for edge-light', condition: 'edge-light', program: PACKAGE },
] as const;

interface Loaded {
  readonly info: { readonly build: string; readonly threads: number };
  forward(x: Float32Array): Promise<Float32Array>;
}
type Load = (weights: Uint8Array, threads?: number | 'auto') => Promise<Loaded>;

const weights = await readFile('models/vanillanet-cifar10.safetensors');
const image = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i));

describe.each(PROGRAMS)('$label', ({ condition, program }) => {
  let bundle: EdgeBundle;
  let logits: Float32Array;
  beforeAll(async () => {
    bundle = await bundleFor([condition], program);
    const model = await loadModel(weights, { build: 'plain' });
    logits = (await model.forward(image)) as Float32Array;
    model.dispose();
  });

  test('is within its budget, WebAssembly and JavaScript together', () => {
    const parts = [Buffer.from(bundle.script), ...bundle.modules.values()];
    const size = parts.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0);
    expect(size).toBeLessThan(BUDGET);
    expect(size).toBeGreaterThan(5000);
  });

  test('has no reference, training, data sets or inlined modules', () => {
    const files = bundle.files.filter((file) => file.startsWith('dist/'));
    expect(files).toContain('dist/src/wasm/inference/session.js');
    expect(files.filter((file) => /reference|train|src\/(cli|data|diff|oracle|report|tfjs)\//.test(file))).toEqual([]);
    expect(files.filter((file) => /wasm\/(plain|relaxed)(-threads)?\.js$/.test(file))).toEqual([]);
    expect(bundle.script).not.toMatch(/node:|\beval\b|new Function/);
  });

  test('gives the same bits in a realm without compilation and eval', async () => {
    const realm = vm.createContext(
      { ...WEB, deployed: await compileModules(bundle) },
      { codeGeneration: { strings: false, wasm: false } },
    );
    // The restrictions of the realm hold.
    expect(() => vm.runInContext('eval("1")', realm) as unknown).toThrow('disallowed');
    await expect(vm.runInContext('WebAssembly.compile(new Uint8Array([0,97,115,109,1,0,0,0]))', realm)).rejects.toThrow(
      'disallowed',
    );
    expect(vm.runInContext('typeof require + typeof process', realm)).toBe('undefinedundefined');

    vm.runInContext(bundle.script, realm);
    const model = await (vm.runInContext('load', realm) as Load)(weights);
    expect(model.info).toMatchObject({ build: 'plain', threads: 1 });
    expect(Buffer.from(new Uint8Array((await model.forward(image)).buffer))).toEqual(Buffer.from(logits.buffer));
  });

  test('gives the same bits in edge-runtime', async () => {
    const modules = await compileModules(bundle);
    const runtime = new EdgeRuntime({
      codeGeneration: { strings: false, wasm: false },
      extend: (context) => Object.assign(context, { deployed: modules }),
      initialCode: bundle.script,
    });
    const model = await runtime.evaluate<Load>('load')(weights);
    expect(Buffer.from(new Uint8Array((await model.forward(image)).buffer))).toEqual(Buffer.from(logits.buffer));
  });
});

test('refuses threads without workers; auto is one thread', async () => {
  const bundle = await bundleFor(['workerd'], PACKAGE);
  const realm = vm.createContext({ ...WEB, deployed: await compileModules(bundle) });
  vm.runInContext(bundle.script, realm);
  const load = vm.runInContext('load', realm) as Load;
  await expect(load(weights, 2)).rejects.toThrow(
    'threads: expected a runtime with shared memory, got a runtime without workers',
  );
  expect((await load(weights, 'auto')).info.threads).toBe(1);
});

test('refuses a module of another version, another module, and no module', async () => {
  const { script, modules } = await bundleFor(['workerd'], CORE);
  const load = async (deployed: object): Promise<Loaded> => {
    const realm = vm.createContext({ ...WEB, deployed });
    vm.runInContext(script, realm);
    return (vm.runInContext('load', realm) as Load)(weights);
  };
  const wasm = modules.get('plain.wasm') ?? new Uint8Array(0);
  const text = Buffer.from(wasm).toString('latin1');
  const at = text.lastIndexOf('vanillanet') + 'vanillanet'.length;
  const other = Uint8Array.from(wasm);
  other[at] = '9'.charCodeAt(0);
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  const expected = /wasm: expected the module of vanillanet [\d.]+\+[\da-f]{8}, got /;
  await expect(load({ 'plain.wasm': await compile(other) })).rejects.toThrow(/got that of 9/);
  await expect(load({ 'plain.wasm': await compile(empty) })).rejects.toThrow(/got another module/);
  await expect(load({ 'plain.wasm': {} })).rejects.toThrow(expected);
  await expect(load({})).rejects.toThrow(
    'wasm: expected a WebAssembly module, its bytes, or a Response, got undefined',
  );
});
