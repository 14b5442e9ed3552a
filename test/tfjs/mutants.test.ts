/** Tests the cross-check itself: an engine with a fault must not pass. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { resolveConfig } from '../../src/core/config.js';
import { IEEE } from '../judges/arithmetic.js';
import { importMutant } from '../judges/mutant.js';
import type { EngineUnderTest, Parts } from './cross/engine.js';
import { layerRows } from './cross/layers.js';
import { leakRows } from './cross/leaks.js';
import { logitRows } from './cross/logits.js';
import { lossRows } from './cross/losses.js';
import { FLAT, type Network } from './cross/networks.js';
import { optimizerRows } from './cross/optimizers.js';
import type { Row } from './cross/row.js';
import { TRAJECTORIES, stepRows } from './cross/steps.js';
import { subjectOf } from './cross/subject.js';

/** A network with every kind of layer, to keep the many mutants quick. */
const ALL: Network = {
  label: 'every kind of layer',
  config: resolveConfig({
    dims: [2, 3, 3],
    strides: [2, 2],
    ada_pool: [0, 3],
    num_classes: 3,
    act_num: 1,
    input_size: [31, 28],
    drop_rate: 0.3,
    form: 'train',
  }),
  n: 2,
};
const DEPLOY: Network = { ...ALL, label: 'the deploy form', config: { ...ALL.config, form: 'deploy' } };

/** The rows of the first network with a failed row, else of the last. */
async function layers(engine: EngineUnderTest): Promise<Row[]> {
  let rows: Row[] = [];
  for (const network of [ALL, DEPLOY, FLAT]) {
    rows = await layerRows(engine, network, 0.25, { training: true, backward: true });
    if (!rows.every(({ ok }) => ok)) break;
  }
  return rows;
}

const CHECKS = {
  layers,
  eval: (engine: EngineUnderTest) => layerRows(engine, ALL, 0.25, { training: false, backward: false }),
  logits: (engine: EngineUnderTest) => logitRows(subjectOf(engine), ALL, [0.25]),
  losses: lossRows,
  optimizers: optimizerRows,
  // AdamW with layer decay and dropout.
  steps: async (engine: EngineUnderTest) => [await stepRows(subjectOf(engine), TRAJECTORIES[1])],
  // AdamW without weight decay of vectors.
  vectors: async (engine: EngineUnderTest) => [await stepRows(subjectOf(engine), TRAJECTORIES[5])],
  // Frozen parts and a rate of the head.
  frozen: async (engine: EngineUnderTest) => [await stepRows(subjectOf(engine), TRAJECTORIES[6])],
  leaks: (engine: EngineUnderTest) => leakRows(engine, true, 150),
} satisfies Record<string, (engine: EngineUnderTest) => Promise<Row[]>>;

type Fault = readonly [flaw: string, check: keyof typeof CHECKS, file: string, from: string, to: string];

// prettier-ignore
const FAULTS: readonly Fault[] = [
  ['conv2d: input halved', 'layers', 'conv2d.ts', 'x: pad(tf, x, padding)', 'x: tf.mul(pad(tf, x, padding), 0.5)'],
  ['conv2d: padding at one side only', 'layers', 'conv2d.ts', '[padding, padding],\n        [padding, padding],', '[0, 2 * padding],\n        [padding, padding],'],
  ['conv2d: no bias', 'layers', 'conv2d.ts', "pad: 'valid', bias }", "pad: 'valid', bias: tf.mul(bias, 0) }"],
  ['conv2d: padding left in dx', 'layers', 'conv2d.ts', '[0, padding, padding, 0]', '[0, 0, 0, 0]'],
  ['conv2d: db is a mean instead of a sum', 'layers', 'conv2d.ts', 'db: tf.sum(', 'db: tf.mean('],
  ['conv2d: kernel transposed', 'layers', 'weights.ts', 'upload: [2, 3, 1, 0]', 'upload: [3, 2, 1, 0]'],
  ['depthwiseConv2d: kernel transposed', 'layers', 'weights.ts', 'upload: [2, 3, 0, 1]', 'upload: [3, 2, 0, 1]'],
  ['images flipped', 'layers', 'network.ts', "tf.tensor(new Float32Array(x), [...shape], 'float32')", "tf.reverse(tf.tensor(new Float32Array(x), [...shape], 'float32'), 2)"],
  ['depthwiseConv2d: kernel flipped in dx', 'layers', 'depthwiseConv2d.ts', '{ dy, filter: weight }', '{ dy, filter: tf.reverse(weight, [0, 1]) }'],
  ['depthwiseConv2d: no bias', 'layers', 'depthwiseConv2d.ts', "pad: 'same', bias }", "pad: 'same', bias: tf.mul(bias, 0) }"],
  ['batchNorm: biased running variance', 'layers', 'batchNorm.ts', 'MOMENTUM * varianceCorrection(kind, count)', 'MOMENTUM'],
  ['batchNorm: momentum of the old statistics', 'layers', 'batchNorm.ts', 'tf.mul(old, 1 - MOMENTUM)', 'tf.mul(old, MOMENTUM)'],
  ['batchNorm: statistics treated as constants in dx', 'layers', 'batchNorm.ts', 'tf.sub(dy, viaStatistics)', 'dy'],
  ['batchNorm: no γ in dx', 'layers', 'batchNorm.ts', 'viaStatistics), tf.mul(weight, invStd))', 'viaStatistics), invStd)'],
  ['batchNorm: another ε', 'layers', 'batchNorm.ts', 'tf.add(variance, EPS)', 'tf.add(variance, 1e-5)'],
  ['batchNorm: running mean not subtracted', 'eval', 'batchNorm.ts', 'tf.mul(tf.sub(x, runningMean), tf.mul(weight', 'tf.mul(x, tf.mul(weight'],
  ['leakyRelu: λ ignored', 'layers', 'leakyRelu.ts', 'x, tf.mul(x, lambda)', 'x, tf.mul(x, 0)'],
  ['leakyRelu: λ ignored in dx', 'layers', 'leakyRelu.ts', 'dy, tf.mul(dy, lambda)', 'dy, tf.mul(dy, 0)'],
  ['maxPool2d: mean instead of maximum', 'layers', 'maxPool2d.ts', 'tf.maxPool(', 'tf.avgPool('],
  ['maxPool2d: dx halved', 'layers', 'maxPool2d.ts', '{ dy, input: x', '{ dy: tf.mul(dy, 0.5), input: x'],
  ['adaptiveMaxPool2d: gradient of ties to the last', 'layers', 'adaptiveMaxPool2d.ts', 'tf.argMax<Matrix>(values, 1)', 'tf.sub(tf.scalar(height * width - 1, "int32"), tf.argMax(tf.reverse(values, 1), 1))'],
  ['adaptiveMaxPool2d: windows start too late', 'layers', 'adaptiveMaxPool2d.ts', 'const start = Math.floor((i * size) / out)', 'const start = Math.min(size - 2, Math.ceil((i * size) / out))'],
  ['adaptiveMaxPool2d: gradients of overlaps not added', 'layers', 'adaptiveMaxPool2d.ts', 'dx = tf.add(dx, tf.pad(', 'dx = tf.maximum(dx, tf.pad('],
  ['globalAvgPool: dx not divided', 'layers', 'globalAvgPool.ts', 'tf.div(dy, x.shape[1] * x.shape[2])', 'dy'],
  ['globalAvgPool: last column ignored', 'layers', 'globalAvgPool.ts', 'tf.mean(x, [1, 2], true)', 'tf.mean(tf.slice(x, [0, 0, 0, 0], [x.shape[0], x.shape[1], Math.max(1, x.shape[2] - 1), x.shape[3]]), [1, 2], true)'],
  ['dropout: ignored in dx', 'layers', 'layers.ts', 'dx: tf.mul(dy, mask)', 'dx: dy'],
  ['dropout: active in eval mode', 'logits', 'layers.ts', 'mode.training ? (mode.mask ?? null) : null', 'mode.mask ?? tf.scalar(0.5)'],
  ['dropout: values not scaled', 'steps', 'passes.ts', '1 / (1 - drop_rate)', '1'],
  ['dropout: same mask in every step', 'steps', 'passes.ts', '2 ** 31 + number', '2 ** 31'],
  ['optimizer: no layer decay', 'steps', 'optimize.ts', 'lr: layerRate({ lr: options.lr, headLr, layerDecay }, layerId(name, stages), stages)', 'lr: options.lr'],
  ['gradients scaled between layers', 'steps', 'network.ts', 'dy = dx;', 'dy = tf.mul(dx, 1.001);'],
  ['running statistics not updated', 'steps', 'training.ts', 'replaceTensors(this.#state, buffers);', ''],
  ['optimizer: no rate of the head', 'frozen', 'optimize.ts', 'layerRate({ lr: options.lr, headLr, layerDecay }', 'layerRate({ lr: options.lr, headLr: options.lr, layerDecay }'],
  ['batchNorm: no γ in dx with constant statistics', 'frozen', 'batchNorm.ts', 'dx: tf.mul(dy, tf.mul(weight, invStd))', 'dx: tf.mul(dy, invStd)'],
  ['batchNorm: running mean not subtracted in dγ', 'frozen', 'batchNorm.ts', 'tf.mul(tf.sub(x, runningMean), invStd)), [0', 'tf.mul(x, invStd)), [0'],
  ['batchNorm: constant statistics moved', 'frozen', 'layers.ts', 'keepsStatistics(mode.frozen, name)', 'false'],
  ['frozen parameters with moments', 'frozen', 'passes.ts', 'filter(([name]) => !this.#frozen.has(name))', 'filter(() => true)'],
  ['optimizer: weight decay of vectors', 'vectors', 'optimize.ts', 'grad.rank > 1 || decayVectors', 'true'],
  ['crossEntropy: targets assumed to sum to 1', 'losses', 'crossEntropy.ts', 'tf.mul(p, tf.sum(q, 1, true))', 'p'],
  ['crossEntropy: gradient of the sum over the batch', 'losses', 'crossEntropy.ts', 'q), logits.shape[0])', 'q), 1)'],
  ['bceWithLogits: sum over classes', 'losses', 'bceWithLogits.ts', 'tf.mean(', 'tf.sum('],
  ['bceWithLogits: sigmoid of −x', 'losses', 'bceWithLogits.ts', 'tf.greater(logits, 0)', 'tf.greater(0, logits)'],
  ['adamw: coupled weight decay', 'optimizers', 'adam.ts', 'decoupled ? grad :', 'false ? grad :'],
  ['adam: no coupled weight decay', 'optimizers', 'adam.ts', 'decoupled ? grad :', 'true ? grad :'],
  ['adam: first moment not corrected', 'optimizers', 'adam.ts', 'tf.div(m, 1 - beta1 ** t)', 'm'],
  ['adam: second moment not corrected', 'optimizers', 'adam.ts', 'tf.div(v, 1 - beta2 ** t)', 'v'],
  ['adam: eps under the root', 'optimizers', 'adam.ts', 'tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** t)), eps)', 'tf.sqrt(tf.add(tf.div(v, 1 - beta2 ** t), eps))'],
  ['sgd: no Nesterov momentum', 'optimizers', 'sgd.ts', 'nesterov ?', 'false ?'],
  ['sgd: dampened gradient', 'optimizers', 'sgd.ts', 'tf.add(tf.mul(buffer, momentum), g)', 'tf.add(tf.mul(buffer, momentum), tf.mul(g, 1 - momentum))'],
  ['lamb: divisor below 1', 'optimizers', 'lamb.ts', 'tf.maximum(tf.sqrt(total), 1)', 'tf.sqrt(total)'],
  ['lamb: trust ratio without weight decay', 'optimizers', 'lamb.ts', 'step.weightDecay === 0 ? u', 'false ? u'],
  ['lamb: trust ratio of a zero tensor', 'optimizers', 'lamb.ts', 'tf.where(arePositive, tf.div(paramNorm, updateNorm), tf.tensor(1))', 'tf.div(paramNorm, updateNorm)'],
  ['leak: replaced tensors', 'leaks', 'weights.ts', 'state.get(name)?.dispose();', ''],
  ['leak: outputs', 'leaks', 'backend.ts', 'disposeTensors(outputs.values());', ''],
];

const PARTS = ['adam', 'backend', 'bceWithLogits', 'crossEntropy', 'lamb', 'network', 'sgd', 'weights'];
const ENTRY = PARTS.map((name) => `export * as ${name} from './tfjs/${name}.js';`).join('\n');

/** The mutants of other suites have lower numbers. */
const FIRST_ID = 1000;

async function createMutant(
  id: number,
  flaw: string,
  file: string,
  from: string,
  to: string,
): Promise<EngineUnderTest> {
  await tf.setBackend('cpu');
  const parts = await importMutant('src', { flaw, file: `tfjs/${file}`, from, to }, FIRST_ID + id, ENTRY);
  return { tf, parts: parts as Parts, arithmetic: IEEE, ties: 'first' };
}

/** The first row that fails or the error that is thrown; null if all rows pass. */
async function symptom(engine: EngineUnderTest, check: keyof typeof CHECKS): Promise<string | null> {
  try {
    const wrong = (await CHECKS[check](engine)).find(({ ok }) => !ok);
    return wrong === undefined ? null : `${wrong.check}: ${wrong.at}`;
  } catch (error) {
    return String(error);
  }
}

test('correct code passes every check', async () => {
  const engine = await createMutant(FAULTS.length, 'none', 'conv2d.ts', "pad: 'valid', bias }", "pad: 'valid', bias }");
  for (const check of Object.keys(CHECKS)) {
    expect([check, await symptom(engine, check as keyof typeof CHECKS)]).toEqual([check, null]);
  }
});

test.each(FAULTS.map((fault, id) => ({ id, flaw: fault[0], fault })))(
  'the cross-check detects: $flaw',
  async ({ id, flaw, fault }) => {
    const [, check, file, from, to] = fault;
    expect(await symptom(await createMutant(id, flaw, file, from, to), check)).not.toBeNull();
  },
);
