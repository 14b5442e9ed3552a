/** The table of conformance/README.md is true: who passes what. And the vectors tell right ports from faulty ones. */
import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { judgeCase } from '../../conformance/judge.js';
import type { Port } from '../../conformance/port.js';
import { reference } from '../../conformance/ports/reference.js';
import { openTfjs } from '../../conformance/ports/tfjs.js';
import { openWasm } from '../../conformance/ports/wasm.js';
import { GROUPS, readGroup, type Group } from '../../conformance/vectors.js';
import { hasPackage } from '../formats/hasPackage.js';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../conformance/', import.meta.url));
const python = process.env.VANILLANET_PYTHON;

/** Cases that pass in each group, and those that do not: by name, with the verdict. */
interface Result {
  readonly passed: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

const groupOf = new Map(GROUPS.flatMap((group) => readGroup(group).map(({ name }) => [name, group] as const)));

function count(verdicts: readonly (readonly [name: string, kind: string])[]): Result {
  const passed = Object.fromEntries(GROUPS.map((group) => [group, 0])) as Record<Group, number>;
  for (const [name, kind] of verdicts) if (kind === 'passes') passed[groupOf.get(name) as Group]++;
  const wrong = verdicts.filter(([, kind]) => kind !== 'passes' && kind !== 'not offered');
  return { passed, wrong: wrong.map((verdict) => verdict.join(': ')) };
}

async function judgeOwn(port: Port): Promise<Result> {
  const verdicts: [string, string][] = [];
  for (const each of GROUPS.flatMap((group) => readGroup(group))) {
    verdicts.push([each.name, (await judgeCase(port, each)).kind]);
  }
  return count(verdicts);
}

/** @param environment variables that the port reads */
async function judgePython(file: string, environment: Readonly<Record<string, string>> = {}): Promise<Result> {
  const parameters = [`${FOLDER}check.py`, `${FOLDER}ports/${file}`, '--json'];
  const env = { ...process.env, ...environment };
  // Exit status 1 means that a case fails: then the verdicts say which.
  const { stdout } = await run(String(python), parameters, { env }).catch((error: unknown) => {
    const { code, stdout: output } = error as { readonly code: number; readonly stdout: string };
    if (code !== 1 || output === '') throw error;
    return { stdout: output };
  });
  const lines = stdout.trim().split('\n').filter((line) => line.startsWith('{')); // prettier-ignore
  return count(lines.map((line) => JSON.parse(line) as { case: string; kind: string }).map((v) => [v.case, v.kind]));
}

/** A row of the table in conformance/README.md, by the name of the port: the cases that pass, for each group. */
function row(name: string): Readonly<Record<string, number>> {
  const lines = readFileSync(`${FOLDER}README.md`, 'utf8').split('\n');
  const cells = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => cell.trim()); // prettier-ignore
  const header = lines.find((line) => line.startsWith('| port')) ?? '';
  const line = lines.find((each) => cells(each)[0] === name);
  if (line === undefined) throw new Error(`no row ${name}`);
  const numbers = cells(line).slice(1);
  return Object.fromEntries(cells(header).slice(1).map((group, i) => [group, Number(numbers[i])])); // prettier-ignore
}

const allPass = (name: string): Result => ({ passed: row(name), wrong: [] });

const hasRelaxed = Number(process.versions.node.split('.')[0]) >= 22;

describe('this package', () => {
  test('the reference', async () => {
    expect(await judgeOwn(reference)).toEqual(allPass('reference'));
  });

  test('the plain WebAssembly build', async () => {
    expect(await judgeOwn(await openWasm('plain'))).toEqual(allPass('WebAssembly'));
  });

  (hasRelaxed ? test : test.skip)('the relaxed WebAssembly build', async () => {
    expect(await judgeOwn(await openWasm('relaxed'))).toEqual(allPass('WebAssembly'));
  });

  test('TensorFlow.js', async () => {
    expect(await judgeOwn(await openTfjs())).toEqual(allPass('TensorFlow.js (engine in JavaScript)'));
  });
});

const withPackage = (name: string): typeof test | typeof test.skip =>
  python !== undefined && hasPackage(python, name) ? test : test.skip;

describe('ports in Python', () => {
  withPackage('torchvision')('PyTorch in float64', async () => {
    expect(await judgePython('torch_port.py')).toEqual(allPass('PyTorch, float64'));
  });

  withPackage('torchvision')('PyTorch in float32', async () => {
    const result = await judgePython('torch_port.py', { CONFORMANCE_PRECISION: 'float32' });
    expect(result).toEqual(allPass('PyTorch, float32'));
  });

  withPackage('paddle')('PaddlePaddle', async () => {
    expect(await judgePython('paddle_port.py')).toEqual(allPass('PaddlePaddle'));
  });

  withPackage('onnxruntime')('onnxruntime', async () => {
    expect(await judgePython('onnx_port.py')).toEqual(allPass('onnxruntime'));
  });
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

withPackage('torchvision')('the vectors recognize each fault, and none in the right port', async () => {
  const script = fileURLToPath(new URL('faulty_ports.py', import.meta.url));
  const { stdout } = await run(String(python), [script]);
  const { none, ...broken } = JSON.parse(stdout) as Readonly<Record<string, Verdicts>>;
  expect(none).toEqual({});
  expect(broken).toMatchObject(RECOGNIZED);
  expect(Object.keys(broken).sort()).toEqual(Object.keys(RECOGNIZED).sort());
});
