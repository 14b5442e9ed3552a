/** What `engines` prints about packages that only claim to compute. */
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { enginesCommand } from '../../src/cli/engines.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const before = process.env['VANILLANET_ENGINES'];

/** An addon with or without a graphics processor, and the kernels of the backward pass. */
const addon = ({ isGpu, canTrain }: { readonly isGpu: boolean; readonly canTrain: boolean }): string => `
module.exports = {
  setBackend: () => true,
  ready: async () => {},
  getBackend: () => 'tensorflow',
  backend: () => ({ isUsingGpuDevice: ${isGpu} }),
  getKernel: () => ${canTrain ? '({})' : 'undefined'},
  version_core: '1.2.3',
};`;

/** @param code the main file; null for a package without it, as a damaged installation */
async function addPackage(name: string, code: string | null): Promise<void> {
  const folder = path('node_modules/@tensorflow', name);
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/package.json`, JSON.stringify({ name: `@tensorflow/${name}`, main: 'main.cjs' }));
  if (code !== null) await writeFile(`${folder}/main.cjs`, code);
}

beforeAll(async () => {
  await addPackage('tfjs-node-gpu', addon({ isGpu: true, canTrain: true }));
  await addPackage('tfjs-node', addon({ isGpu: false, canTrain: false }));
  for (const backend of ['webgpu', 'wasm', 'cpu']) await addPackage(`tfjs-backend-${backend}`, null);
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
    '',
    expect.stringMatching(
      /^webgpu: @tensorflow\/tfjs-backend-webgpu is installed, but does not load: .*\. Install it: /,
    ),
    'webgl: Node has no WebGL. Use it in a browser, with createTfjsBackend.',
    expect.stringMatching(/^wasm: /),
    expect.stringMatching(/^cpu: /),
    '',
  ]);
});
