/** Engines that are available, that are not, and that report another device than their name says. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { BackendUnavailableError, ParamError } from '../../src/core/errors.js';
import { describeEngine, deviceOf, type EngineName } from '../../src/entries/tfjs.js';
import { listEngines, loadEngine } from '../../src/tfjs/node/engines.js';
import { probe } from '../../src/tfjs/node/probe.js';
import { posixTest } from '../platform.js';

let folder: string;
const before = process.env['VANILLANET_ENGINES'];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vanillanet-engines-'));
  process.env['VANILLANET_ENGINES'] = folder;
});
afterEach(async () => {
  if (before === undefined) delete process.env['VANILLANET_ENGINES'];
  else process.env['VANILLANET_ENGINES'] = before;
  await rm(folder, { recursive: true, force: true });
});

/** Installs a package of one file in the folder of VANILLANET_ENGINES. */
async function install(name: string, code: string): Promise<void> {
  const where = join(folder, 'node_modules', name);
  await mkdir(where, { recursive: true });
  await writeFile(join(where, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
  await writeFile(join(where, 'index.js'), code);
}

/** A stub of tfjs-node with the functions that describe an engine. As there, the first package in a process is registered. */
const stubAddon = (isUsingGpuDevice: boolean): string => `
  const backends = (globalThis.stubBackends ??= {});
  backends[${JSON.stringify(folder)}] ??= { isUsingGpuDevice: ${isUsingGpuDevice} };
  module.exports = {
    setBackend: async () => true, ready: async () => undefined, getBackend: () => 'tensorflow',
    backend: () => backends[${JSON.stringify(folder)}], getKernel: () => ({}), version_core: '4.22.0',
  };`;

const errorOf = async (run: Promise<unknown>): Promise<BackendUnavailableError> =>
  run.then(
    () => {
      throw new Error('nothing was thrown');
    },
    (error: unknown) => error as BackendUnavailableError,
  );

test('cpu and wasm describe themselves', async () => {
  const cpu = await loadEngine('cpu');
  expect(cpu.report).toMatchObject({
    engine: 'cpu',
    backend: 'cpu',
    isHardware: false,
    canTrain: true,
    version: '4.22.0',
  });
  expect(describeEngine(cpu.tf)).toEqual(cpu.report);
  const wasm = await loadEngine('wasm');
  expect(wasm.report).toMatchObject({ engine: 'wasm', backend: 'wasm', isHardware: false, canTrain: false });
});

test('auto chooses wasm, and cpu for training', async () => {
  expect((await loadEngine()).report.engine).toBe('wasm');
  expect((await loadEngine('auto', { training: true })).report.engine).toBe('cpu');
});

test('auto prefers libtensorflow to wasm', async () => {
  await install('@tensorflow/tfjs-node', stubAddon(false));
  expect((await loadEngine()).report).toMatchObject({ engine: 'tfjs-node', isHardware: false });
});

test('auto prefers a CUDA device to libtensorflow', async () => {
  await install('@tensorflow/tfjs-node', stubAddon(false));
  await install('@tensorflow/tfjs-node-gpu', stubAddon(true));
  expect((await loadEngine()).report).toMatchObject({ engine: 'tfjs-node-gpu', isHardware: true });
});

test('the list has all engines, tfjs-node and tfjs-node-gpu independently of each other', async () => {
  await install('@tensorflow/tfjs-node', stubAddon(false));
  await install('@tensorflow/tfjs-node-gpu', stubAddon(true));
  const all = await listEngines();
  expect(all.map(({ engine }) => engine)).toEqual(['tfjs-node-gpu', 'webgpu', 'webgl', 'tfjs-node', 'wasm', 'cpu']);
  const unavailable = all.flatMap((state) => (state.available ? [] : [`${state.reason}. ${state.hint}`]));
  expect(unavailable).toHaveLength(2);
  for (const text of unavailable) expect(text).toMatch(/is not installed|Node has no WebGL/);
  const states = new Map(all.map((state) => [state.engine, state]));
  expect(states.get('tfjs-node-gpu')).toMatchObject({ available: true, isHardware: true, device: 'a CUDA device' });
  const cpu = { available: true, isHardware: false, device: "libtensorflow on this machine's processor" };
  expect(states.get('tfjs-node')).toMatchObject(cpu);
});

test('the addon that is loaded second in a process is refused: the first one computes', async () => {
  await install('@tensorflow/tfjs-node', stubAddon(false));
  await install('@tensorflow/tfjs-node-gpu', stubAddon(true));
  expect((await loadEngine('tfjs-node-gpu')).report.engine).toBe('tfjs-node-gpu');
  const error = await errorOf(loadEngine('tfjs-node'));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.got).toBe('@tensorflow/tfjs-node is installed, but the active engine is tfjs-node-gpu on a CUDA device');
  expect(error.hint).toContain('start tfjs-node in a new process');
});

test('tfjs-node that computes on a CUDA device is refused', async () => {
  await install('@tensorflow/tfjs-node', stubAddon(true));
  expect((await errorOf(loadEngine('tfjs-node'))).message).toMatch(/the active engine is tfjs-node-gpu/);
  expect(await probe('tfjs-node')).toMatchObject({
    available: false,
    reason: expect.stringMatching(/the active engine is tfjs-node-gpu/),
  });
});

posixTest('signals')('an engine that crashes its process is reported, and the others are available', async () => {
  await install('@tensorflow/tfjs-node', "process.kill(process.pid, 'SIGSEGV'); while (true);");
  const states = new Map((await listEngines()).map((state) => [state.engine, state]));
  expect(states.get('tfjs-node')).toMatchObject({
    available: false,
    reason: expect.stringMatching(/ended with SIGSEGV$/),
  });
  expect(states.get('cpu')).toMatchObject({ available: true });
  expect((await loadEngine()).report.engine).toBe('wasm');
});

test('VANILLANET_ENGINES may be a relative path', async () => {
  await install('@tensorflow/tfjs-node', stubAddon(false));
  process.env['VANILLANET_ENGINES'] = relative(process.cwd(), folder);
  expect((await loadEngine('tfjs-node')).report.engine).toBe('tfjs-node');
  expect((await loadEngine('cpu')).report.engine).toBe('cpu');
});

describe('WebGPU without an adapter', () => {
  /** Like Node's own from version 21 on: its getters throw on other objects. */
  class Navigator {
    readonly #cores = 3;
    get hardwareConcurrency(): number {
      return this.#cores;
    }
  }
  const scope = globalThis as { navigator?: object; seen?: unknown };
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'navigator');
    if (own !== undefined) Object.defineProperty(globalThis, 'navigator', own);
  });

  test.each([
    ['is an error, and leaves a navigator as it was', new Navigator(), 3],
    ['is an error, and leaves no navigator', undefined, undefined],
  ])('%s', async (_, navigator, cores) => {
    Reflect.deleteProperty(globalThis, 'navigator');
    if (navigator !== undefined)
      Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
    await install('@tensorflow/tfjs-backend-webgpu', '');
    const requestAdapter = 'async () => { globalThis.seen = navigator.hardwareConcurrency; return null; }';
    await install('webgpu', `module.exports = { create: () => ({ requestAdapter: ${requestAdapter} }), globals: {} };`);
    const error = await errorOf(loadEngine('webgpu'));
    expect(error.got).toBe('webgpu is installed, but finds no adapter');
    expect(error.hint).toMatch(/^Install a driver.*\.$/);
    expect(scope.seen).toBe(cores);
    expect(scope.navigator).toBe(navigator);
    expect(Object.keys(navigator ?? {})).toEqual([]);
  });
});

test('an unknown backend is refused', () => {
  const tf = { getBackend: () => 'fpga', backend: () => ({}), getKernel: () => ({}), version_core: '4.22.0' };
  expect(() => describeEngine(tf as never)).toThrow(BackendUnavailableError);
});

test('tfjs-node-gpu without a CUDA device is refused', async () => {
  await install('@tensorflow/tfjs-node-gpu', stubAddon(false));
  const error = await errorOf(loadEngine('tfjs-node-gpu'));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.got).toMatch(/installed, but finds no CUDA device/);
  expect(error.hint).toMatch(/^See docs\/tfjs-node\.md in the repository/);
  expect((await loadEngine()).report.engine).toBe('wasm');
});

test.each<[EngineName, string, RegExp]>([
  [
    'tfjs-node',
    '@tensorflow/tfjs-node is not installed',
    /^Install it: npm install @tensorflow\/tfjs-node, or in a clone .*: npm run .*\.$/,
  ],
  ['webgpu', '@tensorflow/tfjs-backend-webgpu is not installed', /^Install it: npm install webgpu/],
  ['webgl', 'Node has no WebGL', /^Use it in a browser/],
])('%s is an error if it is not available, and no other engine takes its place', async (name, got, hint) => {
  const error = await errorOf(loadEngine(name));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error).toMatchObject({ expected: `the engine ${name}`, got });
  expect(error.hint).toMatch(hint);
});

test('a package that fails to load is reported with its error, and auto tries the next engine', async () => {
  await install('@tensorflow/tfjs-node', "throw new Error('libtensorflow.so.2: cannot open shared object file');");
  const error = await errorOf(loadEngine('tfjs-node'));
  expect(error.message).toMatch(/tfjs-node is installed, but does not load: libtensorflow\.so\.2: cannot open/);
  expect((await loadEngine()).report.engine).toBe('wasm');
});

test('an incomplete installation is reported', async () => {
  await install('@tensorflow/tfjs-node', '');
  await rm(join(folder, 'node_modules/@tensorflow/tfjs-node/index.js'));
  expect((await errorOf(loadEngine('tfjs-node'))).message).toMatch(/is installed, but does not load/);
});

test('wasm is refused for training', async () => {
  const error = await errorOf(loadEngine('wasm', { training: true }));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.message).toMatch(
    /expected an engine that can train, got wasm, which lacks the kernels Conv2DBackpropFilter/,
  );
  expect(error.hint).toMatch(/^Use cpu: Install it: npm install/);
});

test('an unknown name is a ParamError', async () => {
  expect(await errorOf(loadEngine('cuda' as EngineName))).toBeInstanceOf(ParamError);
});

describe('deviceOf judges an adapter by its description', () => {
  test.each([
    [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100' }, true],
    [{ vendor: 'apple', architecture: 'metal-3' }, true],
    [{ vendor: 'mesa', device: 'llvmpipe', description: '' }, false],
    [{ description: 'WebKit WebGL' }, false],
    [{ description: 'GDI Generic' }, false],
    [{ description: 'ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 Direct3D11)' }, true],
    [{ vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader driver 5.0.0' }, false],
    [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, false],
    [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, false],
    [{ vendor: 'nvidia', description: 'NVIDIA H100', isFallbackAdapter: true }, false],
    [{ description: 'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)' }, false],
    [{}, false],
  ])('%j', (info, isHardware) => {
    const result = deviceOf(info);
    expect(result.isHardware).toBe(isHardware);
    expect(result.device).not.toBe('');
    if (!isHardware && Object.keys(info).length > 0) expect(result.device).toMatch(/software|unknown hardware/);
  });
});
