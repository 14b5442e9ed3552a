/** Graphs that are written here: what is in them, and that they are read again with every bit. */
import { describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { resolveConfig, VARIANTS, type Form, type ModelConfig } from '../../src/core/config.js';
import { ParamError, ShapeError, WeightsError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf, type StateDict } from '../../src/core/tensor.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { adaptiveWindows } from '../../src/formats/onnx/adaptiveWindows.js';
import { varint } from '../../src/formats/onnx/message.js';
import { readModel, type OnnxNode } from '../../src/formats/onnx/model.js';
import { readVarint } from '../../src/formats/onnx/protobuf.js';
import { writeOnnx } from '../../src/formats/onnx/writeOnnx.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import type { TensorSource } from '../../src/io/tensorSource.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig } from '../model/drawnNetwork.js';
import { narrowVariant } from './narrowVariants.js';
import { bytesOf, NETWORKS, sourcesOf } from './writtenFiles.js';

const path = temporaryFolder();

/** Values that differ from tensor to tensor, without the cost of a draw. */
const countedState = (config: ModelConfig): StateDict =>
  new Map(
    [...parameterShapes(config)].map(([name, shape], i) => {
      const data = new Float32Array(sizeOf(shape));
      data.forEach((_, j) => (data[j] = Math.fround((i + 1) / (j + 3))));
      return [name, { data: name.endsWith('num_batches_tracked') ? Float64Array.of(i) : data, shape }];
    }),
  );

async function readBack(file: string): Promise<{ readonly state: StateDict; readonly config: ModelConfig }> {
  const weights = await importWeights(path(file));
  try {
    return { state: await weights.readState(), config: weights.config };
  } finally {
    await weights.close();
  }
}

const nodesOf = async (file: string): Promise<readonly OnnxNode[]> =>
  (await readModel(bytesAccess(file, await readFile(path(file))))).nodes;

describe.each(Object.keys(VARIANTS) as (keyof typeof VARIANTS)[])('%s, narrow', (variant) => {
  test.each(['train', 'deploy'] as const)('the %s form comes back as it was', async (form: Form) => {
    const config = narrowVariant(variant, form);
    const state = countedState(config);
    await writeOnnx(path('net.onnx'), sourcesOf(state, 'F32'), config);
    const back = await readBack('net.onnx');
    expect(back.config).toEqual(config);
    expect(Buffer.compare(encodeSafetensors(back.state), encodeSafetensors(state))).toBe(0);
  });
});

test('has the ops of the network one after the other', async () => {
  const { config, tensors } = NETWORKS.train;
  await writeOnnx(path('train.onnx'), tensors, config);
  const nodes = await nodesOf('train.onnx');
  const act = ['Relu', 'Conv', 'BatchNormalization'];
  const [norm, leaky] = [
    ['Conv', 'BatchNormalization'],
    ['Conv', 'BatchNormalization', 'LeakyRelu'],
  ];
  expect(nodes.map(({ type }) => type)).toEqual([
    ...[...leaky, ...norm, ...act],
    ...[...leaky, ...norm, 'MaxPool', ...act],
    ...[...leaky, ...norm, ...act],
    ...['GlobalAveragePool', ...leaky, 'Conv', 'Flatten'],
  ]);
  const attributes = (name: string) =>
    Object.fromEntries(nodes.find(({ op }) => op.endsWith(`node ${name}`))?.attributes ?? []);
  expect(attributes('stem1.0')).toEqual({
    ...{ dilations: [1, 1], group: 1, kernel_shape: [4, 4], pads: [0, 0, 0, 0], strides: [4, 4] },
  });
  expect(attributes('stem2.2')).toMatchObject({ group: 4, kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] });
  expect(attributes('stem1.1')).toEqual({ epsilon: Math.fround(1e-6), momentum: Math.fround(0.9) });
  expect(attributes('stem1.leaky')).toEqual({ alpha: 1 });
  expect(attributes('stages.0.pool')).toEqual({ kernel_shape: [2, 2], strides: [2, 2] });
});

test('says who wrote it, and what goes in and out', async () => {
  const { config, tensors } = NETWORKS.deploy;
  await writeOnnx(path('deploy.onnx'), tensors, config);
  const model = await readModel(bytesAccess('net', await readFile(path('deploy.onnx'))));
  expect(model).toMatchObject({ producer: 'vanillanet', opset: 17, outputs: ['logits'] });
  expect(model.inputs).toEqual([{ name: 'input', shape: [null, 3, 16, 20] }]);
  expect([...model.metadata.keys()]).toEqual(['vanillanet']);
  // The weights are float64, and the graph computes in float32.
  expect(model.nodes.slice(0, tensors.length).map(({ type, inputs }) => [type, ...inputs])).toEqual(
    tensors.map(({ name }) => ['Cast', name]),
  );
});

test('has values of several parts', async () => {
  const config = drawnConfig('deploy', { num_classes: 2 ** 17 + 1 });
  const state = countedState(config);
  await writeOnnx(path('large.onnx'), sourcesOf(state, 'F32'), config);
  const back = await readBack('large.onnx');
  const bytes = (of: StateDict) => bytesOf(of.get('cls.2.weight')?.data ?? new Float32Array(0), 'F32');
  expect(Buffer.compare(bytes(back.state), bytes(state))).toBe(0);
});

test.each([
  [75, 38],
  [38, 19],
  [19, 10],
  [7, 7],
  [3, 5],
  [10, 1],
])('the windows of an adaptive pool of %i to %i are those of the definition', (n, size) => {
  const { width, indices } = adaptiveWindows(n, size);
  const windows = Array.from({ length: size }, (_, i) => indices.slice(i * width, (i + 1) * width));
  const defined = Array.from({ length: size }, (_, i) => {
    const [start, end] = [Math.floor((i * n) / size), Math.ceil(((i + 1) * n) / size)];
    return Array.from({ length: end - start }, (__, j) => start + j);
  });
  expect(windows.map((each) => [...new Set(each)])).toEqual(defined);
  expect(width).toBe(Math.max(...defined.map(({ length }) => length)));
  expect(indices).toHaveLength(width * size);
});

test.each([0, 1, 127, 128, 300, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 40)])('the varint of %d', (value) => {
  const bytes = Uint8Array.from(varint(value));
  expect(readVarint(bytes, 0)).toEqual({ value, end: bytes.length });
  expect(readVarint(bytes.subarray(0, -1), 0)).toBeNull();
});

describe('is refused, and nothing is written', () => {
  const refuses = async (
    tensors: readonly TensorSource[],
    config: ModelConfig,
    error: ReturnType<typeof refusal>,
    hint: string,
  ): Promise<void> => {
    const before = await readdir(path());
    const result = writeOnnx(path('refused.onnx'), tensors, config);
    await expect(result).rejects.toThrow(error);
    if (hint !== '') await expect(result).rejects.toMatchObject({ hint: expect.stringContaining(hint) as unknown });
    expect(await readdir(path())).toEqual(before);
  };

  test('a train form of unknown lambda', () =>
    refuses(
      NETWORKS.train.tensors,
      { ...NETWORKS.train.config, lambda: null },
      refusal(ParamError, 'lambda', 'a number', 'none'),
      '--lambda 1',
    ));

  test('a counter of batches that is no integer', () =>
    refuses(
      NETWORKS.train.tensors.map((each) => ({ ...each, read: () => Promise.resolve(Float64Array.of(0.5)) })),
      NETWORKS.train.config,
      refusal(WeightsError, 'num_batches_tracked', 'integers of at most 2^53', '0.5'),
      'num_batches_tracked',
    ));

  test('a network of more than 2 GiB', () => {
    const [first, ...others] = NETWORKS.deploy.tensors;
    const error = refusal(ParamError, 'refused.onnx', 'at most 2 GiB', '21474');
    return refuses([{ ...first, dtype: 'F64', shape: [2 ** 28] }, ...others], NETWORKS.deploy.config, error, 'float16');
  });

  test('an image that is too small for the network', () =>
    refuses(
      NETWORKS.deploy.tensors,
      resolveConfig({ ...NETWORKS.deploy.config, input_size: 4 }),
      refusal(ShapeError, 'stages.0', 'an input of at least', '4x4'),
      '',
    ));
});
