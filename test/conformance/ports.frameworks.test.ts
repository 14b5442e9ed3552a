/** The table of conformance/README.md is true of ports in Python, and the vectors tell right ones from faulty ones. */
import { expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testWith } from '../frameworks/frameworks.js';
import { allPass, count, FOLDER, type Result } from './portTable.js';

const run = promisify(execFile);

/** @param environment variables that the port reads */
async function judgePython(
  python: string,
  file: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const parameters = [`${FOLDER}check.py`, `${FOLDER}ports/${file}`, '--json'];
  const env = { ...process.env, ...environment };
  // Exit status 1 means that a case fails: then the verdicts say which.
  const { stdout } = await run(python, parameters, { env }).catch((error: unknown) => {
    const { code, stdout: output } = error as { readonly code: number; readonly stdout: string };
    if (code !== 1 || output === '') throw error;
    return { stdout: output };
  });
  const lines = stdout.trim().split('\n').filter((line) => line.startsWith('{')); // prettier-ignore
  return count(lines.map((line) => JSON.parse(line) as { case: string; kind: string }).map((v) => [v.case, v.kind]));
}

testWith('PyTorch', 'in float64 passes', async (python) => {
  expect(await judgePython(python, 'torch_port.py')).toEqual(allPass('PyTorch, float64'));
});

testWith('PyTorch', 'in float32 passes', async (python) => {
  const result = await judgePython(python, 'torch_port.py', { CONFORMANCE_PRECISION: 'float32' });
  expect(result).toEqual(allPass('PyTorch, float32'));
});

testWith('PaddlePaddle', 'passes', async (python) => {
  expect(await judgePython(python, 'paddle_port.py')).toEqual(allPass('PaddlePaddle'));
});

testWith('onnxruntime', 'passes', async (python) => {
  expect(await judgePython(python, 'onnx_port.py')).toEqual(allPass('onnxruntime'));
});

type Verdicts = Readonly<Record<string, string>>;

/** The cases that recognize a fault, for each way to break the port of PyTorch. */
const RECOGNIZED: Readonly<Record<string, Verdicts>> = {
  'eps 1e-5': {
    'batch_norm/evaluation-of-small-variances': 'eps-1e-5',
    'batch_norm/training-on-small-variances': 'eps-1e-5',
    'fuse/vanillanet_5': 'eps-1e-5',
    'fuse/vanillanet_7': 'eps-1e-5',
  },
  'eps 1e-3': {
    'batch_norm/evaluation-of-small-variances': 'eps-1e-3',
    'batch_norm/training-on-small-variances': 'eps-1e-3',
  },
  'stem of stride 4': {
    'vanillanet_13_x1_5_ada_pool/train-form': 'stem-of-stride-4',
    'vanillanet_13_x1_5_ada_pool/deploy-form': 'stem-of-stride-4',
  },
  'one minus lambda': {
    'leaky_relu/lambda-0.25': 'one-minus-lambda',
    'block/train-form': 'one-minus-lambda',
    'vanillanet_5/lambda-0.25': 'one-minus-lambda',
    'train/gradients': 'one-minus-lambda',
  },
  relu: {
    'leaky_relu/lambda-1': 'relu',
    'block/train-form': 'relu',
    'vanillanet_5/lambda-0.25': 'relu',
    'train/gradients': 'relu',
  },
  'zero is absent': { 'leaky_relu/lambda-0': 'zero-is-absent', 'vanillanet_5/lambda-0': 'zero-is-absent' },
  'biased variance': {
    'batch_norm/training': 'biased-variance',
    'train/gradients': 'biased-variance',
    'train/adam': 'biased-variance',
  },
  'unbiased variance': {
    'batch_norm/training-as-in-paddle': 'unbiased-variance',
    'train/adam-with-paddle-statistics': 'unbiased-variance',
  },
  'decoupled decay': { 'adam/step': 'decoupled-decay' },
  'coupled decay': { 'adamw/step': 'coupled-decay', 'train/adamw': 'coupled-decay' },
  'training mode': { 'vanillanet_5/train-form': 'batch-statistics' },
  'no crop_pct': { 'prepare_image/landscape': 'crop-pct-1', 'prepare_image/portrait': 'crop-pct-1' },
};

testWith('PyTorch', 'that is broken is recognized by each fault, and the right one has none', async (python) => {
  const script = fileURLToPath(new URL('faulty_ports.py', import.meta.url));
  const { stdout } = await run(python, [script]);
  const { none, ...broken } = JSON.parse(stdout) as Readonly<Record<string, Verdicts>>;
  expect(none).toEqual({});
  expect(broken).toMatchObject(RECOGNIZED);
  expect(Object.keys(broken).sort()).toEqual(Object.keys(RECOGNIZED).sort());
});
