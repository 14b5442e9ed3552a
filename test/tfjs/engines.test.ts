/** Engines that are there, that are not, and that say they are. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { BackendUnavailableError, ParamError } from '../../src/core/errors.js';
import { describeEngine, deviceOf, type EngineName } from '../../src/entries/tfjs.js';
import { listEngines, loadEngine } from '../../src/tfjs/node/engines.js';

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

/** A package of one file in the folder that is looked through first. */
async function install(name: string, code: string): Promise<void> {
  const where = join(folder, 'node_modules', name);
  await mkdir(where, { recursive: true });
  await writeFile(join(where, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
  await writeFile(join(where, 'index.js'), code);
}

/** TensorFlow.js as far as an engine is asked what it is. In a process only the first to come registers itself, as there. */
const madeUp = (isUsingGpuDevice: boolean): string => `
  const own = (globalThis.madeUp ??= {});
  own[${JSON.stringify(folder)}] ??= { isUsingGpuDevice: ${isUsingGpuDevice} };
  module.exports = {
    setBackend: async () => true, ready: async () => undefined, getBackend: () => 'tensorflow',
    backend: () => own[${JSON.stringify(folder)}], getKernel: () => ({}), version_core: '4.22.0',
  };`;

const errorOf = async (run: Promise<unknown>): Promise<Error> =>
  run.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error as Error,
  );

test('the two that the main install has say what they are', async () => {
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

test('auto takes the next best, and for training one that trains', async () => {
  expect((await loadEngine()).report.engine).toBe('wasm');
  expect((await loadEngine('auto', { training: true })).report.engine).toBe('cpu');
});

test('auto prefers libtensorflow', async () => {
  await install('@tensorflow/tfjs-node', madeUp(false));
  expect((await loadEngine()).report).toMatchObject({ engine: 'tfjs-node', isHardware: false });
});

test('and above it a CUDA device', async () => {
  await install('@tensorflow/tfjs-node', madeUp(false));
  await install('@tensorflow/tfjs-node-gpu', madeUp(true));
  expect((await loadEngine()).report).toMatchObject({ engine: 'tfjs-node-gpu', isHardware: true });
});

test('each of both is listed as what it is, in whatever order they register themselves', async () => {
  await install('@tensorflow/tfjs-node', madeUp(false));
  await install('@tensorflow/tfjs-node-gpu', madeUp(true));
  const states = new Map((await listEngines()).map((state) => [state.engine, state]));
  expect(states.get('tfjs-node-gpu')).toMatchObject({ available: true, isHardware: true, device: 'a CUDA device' });
  const cpu = { available: true, isHardware: false, device: "libtensorflow on this machine's processor" };
  expect(states.get('tfjs-node')).toMatchObject(cpu);
});

test('in one process, the second to come is not taken for what it is called', async () => {
  await install('@tensorflow/tfjs-node', madeUp(false));
  await install('@tensorflow/tfjs-node-gpu', madeUp(true));
  expect((await loadEngine('tfjs-node-gpu')).report.engine).toBe('tfjs-node-gpu');
  const error = await errorOf(loadEngine('tfjs-node'));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.message).toMatch(
    /tfjs-node is installed, but what computes is tfjs-node-gpu, a CUDA device; to have it/,
  );
});

test('a package for the processor that computes on a CUDA device is none', async () => {
  await install('@tensorflow/tfjs-node', madeUp(true));
  expect((await errorOf(loadEngine('tfjs-node'))).message).toMatch(/what computes is tfjs-node-gpu/);
  const state = (await listEngines()).find(({ engine }) => engine === 'tfjs-node');
  expect(state).toMatchObject({ available: false, reason: expect.stringMatching(/what computes is tfjs-node-gpu/) });
});

test('one that ends its process is told, and the others are there', async () => {
  await install('@tensorflow/tfjs-node', "process.kill(process.pid, 'SIGSEGV'); while (true);");
  const states = new Map((await listEngines()).map((state) => [state.engine, state]));
  expect(states.get('tfjs-node')).toMatchObject({
    available: false,
    reason: expect.stringMatching(/ends with SIGSEGV$/),
  });
  expect(states.get('cpu')).toMatchObject({ available: true });
  expect((await loadEngine()).report.engine).toBe('wasm');
});

test('a folder that is named by a relative path', async () => {
  await install('@tensorflow/tfjs-node', madeUp(false));
  process.env['VANILLANET_ENGINES'] = relative(process.cwd(), folder);
  expect((await loadEngine('tfjs-node')).report.engine).toBe('tfjs-node');
  expect((await loadEngine('cpu')).report.engine).toBe('cpu');
});

describe('WebGPU where there is no adapter', () => {
  /** As Node's own from 21 on: its getters work on no other object. */
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
    ['beside a navigator, which is left as it was', new Navigator(), 3],
    ['without one', undefined, undefined],
  ])('%s', async (_, navigator, cores) => {
    Reflect.deleteProperty(globalThis, 'navigator');
    if (navigator !== undefined)
      Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
    await install('@tensorflow/tfjs-backend-webgpu', '');
    const requestAdapter = 'async () => { globalThis.seen = navigator.hardwareConcurrency; return null; }';
    await install('webgpu', `module.exports = { create: () => ({ requestAdapter: ${requestAdapter} }), globals: {} };`);
    const error = await errorOf(loadEngine('webgpu'));
    expect(error.message).toMatch(/webgpu is installed, but finds no adapter.*to have it: install a driver/);
    expect(scope.seen).toBe(cores);
    // What is of no use is not left behind.
    expect(scope.navigator).toBe(navigator);
    expect(Object.keys(navigator ?? {})).toEqual([]);
  });
});

test('an engine that is none of ours is not taken for one', () => {
  const tf = { getBackend: () => 'fpga', backend: () => ({}), getKernel: () => ({}), version_core: '4.22.0' };
  expect(() => describeEngine(tf as never)).toThrow(BackendUnavailableError);
});

test('a package for graphics processors that finds none is not one', async () => {
  await install('@tensorflow/tfjs-node-gpu', madeUp(false));
  const error = await errorOf(loadEngine('tfjs-node-gpu'));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.message).toMatch(
    /installed, but finds no CUDA device.*to have it: see docs\/tfjs-node\.md in the repository/,
  );
  expect((await loadEngine()).report.engine).toBe('wasm');
});

test.each<[EngineName, RegExp]>([
  [
    'tfjs-node',
    /@tensorflow\/tfjs-node is not installed; to have it: npm install @tensorflow\/tfjs-node, or in a clone .* npm run/,
  ],
  ['webgpu', /@tensorflow\/tfjs-backend-webgpu is not installed; to have it: npm install webgpu/],
  ['webgl', /Node has no WebGL; to have it: run it in a browser/],
])('%s, asked for by name, is an error and nothing else in its place', async (name, message) => {
  const error = await errorOf(loadEngine(name));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.message).toMatch(message);
});

test('what is installed and does not load says so', async () => {
  await install('@tensorflow/tfjs-node', "throw new Error('libtensorflow.so.2: cannot open shared object file');");
  const error = await errorOf(loadEngine('tfjs-node'));
  expect(error.message).toMatch(/tfjs-node is installed, but does not load: libtensorflow\.so\.2: cannot open/);
  // auto goes on.
  expect((await loadEngine()).report.engine).toBe('wasm');
});

test('what is installed in part says so', async () => {
  await install('@tensorflow/tfjs-node', '');
  await rm(join(folder, 'node_modules/@tensorflow/tfjs-node/index.js'));
  expect((await errorOf(loadEngine('tfjs-node'))).message).toMatch(/is installed, but does not load/);
});

test('an engine that does not train is refused where it is to', async () => {
  const error = await errorOf(loadEngine('wasm', { training: true }));
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(error.message).toMatch(
    /an engine that trains, got wasm, whose package has no Conv2DBackpropFilter.*npm install/,
  );
});

test('a name that is none', async () => {
  expect(await errorOf(loadEngine('cuda' as EngineName))).toBeInstanceOf(ParamError);
});

test('the list has all of them, with a reason and a remedy for each that is missing', async () => {
  const all = await listEngines();
  expect(all.map(({ engine }) => engine)).toEqual(['tfjs-node-gpu', 'webgpu', 'webgl', 'tfjs-node', 'wasm', 'cpu']);
  for (const state of all) {
    if (!state.available) expect(`${state.reason}. ${state.remedy}`).toMatch(/is not installed|Node has no WebGL/);
  }
});

describe('an adapter by what it says of itself', () => {
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
    const found = deviceOf(info);
    expect(found.isHardware).toBe(isHardware);
    expect(found.device).not.toBe('');
    if (!isHardware && Object.keys(info).length > 0) expect(found.device).toMatch(/software|nobody knows/);
  });
});
