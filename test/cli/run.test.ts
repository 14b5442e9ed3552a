/** `run`: tensors in, logits out, as for a comparison with PyTorch. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { forward, tensor, valuesOf } from '../../reference/index.js';
import { runCommand } from '../../src/cli/run.js';
import { readNetworkWeights } from '../../src/cli/weights.js';
import type { ModelConfig } from '../../src/core/config.js';
import type { FloatArray, StateDict, Tensor } from '../../src/core/tensor.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { answered, hosted, logitsIn, PATIENCE, printed } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

const deploy = drawnConfig('deploy');
/** A network in training, at λ = ½. */
const train = drawnConfig('train', { lambda: 0.5 });
const [fused, trained] = [drawnState(deploy), drawnState(train)];

/** Three images of another size than that of the configurations. */
const x = drawnImages({ ...deploy, input_size: [18, 13] }, 3);
/** float64 numbers that float32 rounds. */
const wide = { ...x, data: Float64Array.from(x.data, (v) => v + 1e-9) };

/** The logits of the reference. */
function exactly(state: StateDict, config: ModelConfig, data: FloatArray, lambda = 1, training = false): Float64Array {
  const { logits } = forward(toOracleConfig(config), stateToOracle(state), tensor(data, x.shape), { training, lambda });
  return valuesOf(logits);
}

beforeAll(async () => {
  await writeWeights(path('deploy.safetensors'), fused, deploy);
  await writeWeights(path('train.safetensors'), trained, train);
  await writeFile(path('x32.safetensors'), encodeSafetensors(new Map([['x', x]])));
  await writeFile(path('x64.safetensors'), encodeSafetensors(new Map([['x', wide]])));
});

const run = (weights: string, input: string, ...options: string[]): string[] => [
  ...['run', '--weights', weights, '--input', input, '--output', 'y.safetensors', ...options],
];

describe('the fused network', () => {
  test.each([
    ['x32.safetensors', x.data],
    ['x64.safetensors', wide.data],
  ])(
    'in WebAssembly, of %s',
    async (input, data) => {
      // The first runs in its own process.
      const report = await answered(
        run('deploy.safetensors', input),
        path(),
        input === 'x32.safetensors' ? undefined : inHost,
      );
      expect(report).toEqual({
        output: 'y.safetensors',
        shape: [3, 5],
        dtype: 'float32',
        backend: 'wasm',
        mode: 'eval',
        lambda: 1,
      });
      const model = await Model.open(fused, { ...deploy, input_size: [18, 13] }, wasmBackend);
      expect(await logitsIn(path('y.safetensors'))).toEqual({ data: await model.forward(data, 3), shape: [3, 5] });
    },
    PATIENCE,
  );

  test.each([
    ['x32.safetensors', x.data],
    ['x64.safetensors', wide.data],
  ])(
    'by the reference, of %s',
    async (input, data) => {
      const text = await printed(run('deploy.safetensors', input, '--backend', 'reference'), path(), inHost);
      expect(text).toBe(`logits [3,5] float64 of ${input} by reference in eval mode -> y.safetensors\n`);
      expect((await logitsIn(path('y.safetensors'))).data).toEqual(exactly(fused, deploy, data));
    },
    PATIENCE,
  );

  test(
    'in another precision than that of the backend',
    async () => {
      const options = ['--backend', 'reference', '--dtype', 'float32'];
      expect(await answered(run('deploy.safetensors', 'x64.safetensors', ...options), path(), inHost)).toMatchObject({
        dtype: 'float32',
      });
      const { data } = await logitsIn(path('y.safetensors'));
      expect(data).toEqual(Float32Array.from(exactly(fused, deploy, wide.data)));
    },
    PATIENCE,
  );
});

describe('the deep network', () => {
  const cases: [string[], number, boolean][] = [
    [[], 0.5, false],
    [['--lambda', '0'], 0, false],
    [['--lambda', '1'], 1, false],
    [['--mode', 'train'], 0.5, true],
    [['--mode', 'train', '--lambda', '0.25'], 0.25, true],
  ];
  test.each(cases)(
    'by the reference %j',
    async (options, lambda, training) => {
      const mode = training ? 'train' : 'eval';
      const args = run('train.safetensors', 'x64.safetensors', '--backend', 'reference', ...options);
      expect(await answered(args, path(), inHost)).toMatchObject({ lambda, mode, dtype: 'float64' });
      const { data } = await logitsIn(path('y.safetensors'));
      expect(data).toEqual(exactly(trained, train, wide.data, lambda, training));
    },
    PATIENCE,
  );
});

describe('weights as PyTorch’s users write them', () => {
  // `save_file(model.state_dict(), path)`: no metadata, float32, with or without counters.
  const { dims, strides, num_classes, act_num } = train;
  const counters = (name: string): boolean => name.endsWith('.num_batches_tracked');
  const rounded = (state: StateDict): StateDict =>
    new Map([...state].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]));
  const without = new Map([...trained].filter(([name]) => !counters(name)));

  beforeAll(async () => {
    await writeFile(path('config.json'), JSON.stringify({ dims, strides, num_classes, act_num }));
    await writeFile(path('stated.json'), JSON.stringify({ dims, strides, num_classes, act_num, lambda: 0.25 }));
    for (const [name, state] of Object.entries({ bare: trained, uncounted: without, fused })) {
      await writeFile(path(`${name}.safetensors`), encodeSafetensors(state, { dtype: 'float32' }));
    }
  });

  const cases: [string, string, string[], number, boolean][] = [
    ['bare.safetensors', 'config.json', ['--lambda', '0.25'], 0.25, false],
    ['bare.safetensors', 'stated.json', [], 0.25, false],
    ['bare.safetensors', 'stated.json', ['--lambda', '0.75', '--mode', 'train'], 0.75, true],
    ['uncounted.safetensors', 'config.json', ['--lambda', '0'], 0, false],
  ];
  test.each(cases)(
    '%s with %s %j',
    async (weights, config, options, lambda, training) => {
      await printed(run(weights, 'x32.safetensors', '-b', 'reference', '-c', config, ...options), path(), inHost);
      const { data } = await logitsIn(path('y.safetensors'));
      expect(data).toEqual(exactly(rounded(trained), train, x.data, lambda, training));
    },
    PATIENCE,
  );

  test(
    'of the fused form, which is recognized',
    async () => {
      await printed(run('fused.safetensors', 'x32.safetensors', '-c', 'config.json'), path(), inHost);
      const model = await Model.open(fused, { ...deploy, input_size: [18, 13] }, wasmBackend);
      expect((await logitsIn(path('y.safetensors'))).data).toEqual(await model.forward(x.data, 3));
    },
    PATIENCE,
  );

  test(
    'fused with λ from the command line',
    async () => {
      const args = ['fuse', 'uncounted.safetensors', 'shallow.safetensors', '-c', 'config.json', '--lambda', '1'];
      await printed([...args, '--verify', '--probe-size', '16'], path(), inHost);
      await printed(run('shallow.safetensors', 'x32.safetensors', '-b', 'reference', '-d', 'float64'), path(), inHost);
      const { data } = await logitsIn(path('y.safetensors'));
      const deep = exactly(rounded(trained), train, x.data, 1);
      // Writing rounds the weights once more: about 1e-7 of the largest logit.
      const largest = Math.max(...deep.map(Math.abs));
      expect(Math.max(...deep.map((v, i) => Math.abs(v - data[i])))).toBeLessThan(1e-5 * largest);
    },
    PATIENCE,
  );
});

describe('in process', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Runs the command without its output. */
  const act = async (weights: string, input: string, output: string, ...options: string[]): Promise<void> => {
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const files = ['--weights', path(weights), '--input', path(input), '--output', path(output)];
    await runCommand().parseAsync([...files, ...options], { from: 'user' });
  };

  test.each(['deploy.safetensors', 'x32.safetensors'])('does not overwrite %s, which it reads', async (name) => {
    const before = await readFile(path(name));
    await expect(act('deploy.safetensors', 'x32.safetensors', name)).rejects.toMatchObject({ op: path(name) });
    expect(await readFile(path(name))).toEqual(before);
  });

  test.each([
    [[3, 3, 18], 'x [3,3,18]'],
    [[0, 3, 8, 8], 'x [0,3,8,8]'],
    [[1, 1, 8, 8], 'x [1,1,8,8]'],
  ])('refuses x of the shape %j', async (shape, got) => {
    const data = new Float32Array(shape.reduce((product, n) => product * n));
    await writeFile(path('shape.safetensors'), encodeSafetensors(new Map([['x', { data, shape }]])));
    await expect(act('deploy.safetensors', 'shape.safetensors', 'y.safetensors')).rejects.toMatchObject({
      ...{ name: 'ShapeError', op: path('shape.safetensors'), expected: 'x [n,3,h,w]', got },
    });
  });

  test('refuses logits that are not finite, with the batch normalized, too', async () => {
    const names = [...trained.keys()].filter((name) => /\.(weight|bias)$/.test(name)).slice(-2);
    const huge = [...trained].map(([name, each]): [string, Tensor] => [
      name,
      names.includes(name) ? { ...each, data: each.data.map(() => Number.MAX_VALUE) } : each,
    ]);
    await writeWeights(path('huge.safetensors'), new Map(huge), train);
    const options = ['--mode', 'train', '--backend', 'reference'];
    await expect(act('huge.safetensors', 'x32.safetensors', 'y.safetensors', ...options)).rejects.toMatchObject({
      ...{ name: 'WeightsError', op: 'run', got: 'Infinity for class 0 of image 0' },
    });
  });

  test('frees the memory of the network', async () => {
    const dispose = jest.spyOn(Model.prototype, 'dispose');
    await act('deploy.safetensors', 'x32.safetensors', 'y.safetensors');
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  test('--lambda is for the deep form', async () => {
    await expect(readNetworkWeights(path('deploy.safetensors'), { lambda: 0.5 })).rejects.toMatchObject({
      ...{ name: 'ParamError', op: path('deploy.safetensors'), expected: 'no --lambda for the deploy form' },
      ...{ got: '--lambda 0.5', hint: 'Omit --lambda, which is for weights of the train form.' },
    });
  });
});

test('leaves no temporary file', async () => {
  expect((await readdir(path())).filter((name) => name.startsWith('.'))).toEqual([]);
});

describe('refusals', () => {
  const withInput = (names: readonly string[]): Promise<unknown> =>
    writeFile(path('names.safetensors'), encodeSafetensors(new Map(names.map((name) => [name, x])))).then(() =>
      runCommand().parseAsync(
        ['-w', path('deploy.safetensors'), '-i', path('names.safetensors'), '-o', path('none.safetensors')],
        { from: 'user' },
      ),
    );

  test.each([
    [[], 'no such tensor, and no other'],
    [['a'], 'no such tensor, but a'],
    [['a', 'b', 'c', 'd', 'e'], 'no such tensor, but a, b, c, d, e'],
    [['a', 'b', 'c', 'd', 'e', 'f'], 'no such tensor, but a, b, c, d, e, …'],
  ])('an input with the tensors %j', async (names, got) => {
    await expect(withInput(names)).rejects.toMatchObject({ expected: 'a tensor x [n,c,h,w]', got });
  });

  test('the help names the modes and types', () => {
    const help = runCommand().helpInformation().replaceAll(/\s+/g, ' ');
    expect(help).toContain('mode of batch norm (choices: "eval", "train", default: "eval")');
    expect(help).toContain(`type of the logits (default: the backend's) (choices: "float32", "float64")`);
  });
});
