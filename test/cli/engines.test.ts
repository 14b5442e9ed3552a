/** What `engines` prints about packages that only claim to compute. */
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { enginesCommand } from '../../src/cli/engines.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const before = process.env['VANILLANET_ENGINES'];

/** TensorFlow.js with a backend, and with or without the kernels of the backward pass. */
const tensorFlow = (backend: string, { canTrain = true, isGpu = false } = {}): string => `
let name = ${JSON.stringify(backend)};
module.exports = {
  enableProdMode() {},
  setBackend: (next) => ((name = next), true),
  ready: async () => {},
  getBackend: () => name,
  backend: () => ({ isUsingGpuDevice: ${isGpu} }),
  getKernel: () => ${canTrain ? '({})' : 'undefined'},
  version_core: '1.2.3',
};`;

async function addPackage(name: string, code: string): Promise<void> {
  const folder = path('node_modules/@tensorflow', name);
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/package.json`, JSON.stringify({ name: `@tensorflow/${name}`, main: 'index.cjs' }));
  await writeFile(`${folder}/index.cjs`, code);
}

beforeAll(async () => {
  await addPackage('tfjs-node-gpu', tensorFlow('tensorflow', { isGpu: true }));
  await addPackage('tfjs-node', tensorFlow('tensorflow', { canTrain: false }));
  await addPackage('tfjs-core', tensorFlow(''));
  for (const backend of ['wasm', 'cpu']) await addPackage(`tfjs-backend-${backend}`, '');
  await addPackage('tfjs-backend-webgpu', 'throw new Error("no driver");');
  process.env['VANILLANET_ENGINES'] = path();
});
afterAll(() => {
  if (before === undefined) Reflect.deleteProperty(process.env, 'VANILLANET_ENGINES');
  else process.env['VANILLANET_ENGINES'] = before;
});

afterEach(() => {
  jest.restoreAllMocks();
});

test('lists the engines in a table, then those that are missing, with reason and remedy', async () => {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await enginesCommand().parseAsync([], { from: 'user' });
  expect(text.split('\n')).toEqual([
    'engine         device                                     GPU  trains  version',
    'tfjs-node-gpu  a CUDA device                              yes  yes     1.2.3',
    "tfjs-node      libtensorflow on this machine's processor  no   no      1.2.3",
    "wasm           WebAssembly on this machine's processor    no   yes     1.2.3",
    "cpu            JavaScript on this machine's processor     no   yes     1.2.3",
    '',
    expect.stringMatching(/^webgpu: \S.*\. \S/),
    'webgl: Node has no WebGL. Use it in a browser, with createTfjsBackend.',
    '',
  ]);
});
