/** The cross-check judged: an engine with a fault put in must not pass. */
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

/** Every kind of layer at once: mutants are many. */
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

/** The rows of the first network that has a wrong one. */
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
  // AdamW with layer decay, dropout.
  steps: async (engine: EngineUnderTest) => [await stepRows(subjectOf(engine), TRAJECTORIES[1])],
  // AdamW without decay of vectors.
  vectors: async (engine: EngineUnderTest) => [await stepRows(subjectOf(engine), TRAJECTORIES[5])],
  leaks: (engine: EngineUnderTest) => leakRows(engine, true, 150),
} satisfies Record<string, (engine: EngineUnderTest) => Promise<Row[]>>;

type Fault = readonly [flaw: string, check: keyof typeof CHECKS, file: string, from: string, to: string];

// prettier-ignore
const FAULTS: readonly Fault[] = [
  ['an image by half', 'layers', 'conv2d.ts', 'x: padded(tf, x, padding)', 'x: tf.mul(padded(tf, x, padding), 0.5)'],
  ['padding all at the bottom', 'layers', 'conv2d.ts', '[padding, padding],\n        [padding, padding],', '[0, 2 * padding],\n        [padding, padding],'],
  ['no bias', 'layers', 'conv2d.ts', "pad: 'valid', bias }", "pad: 'valid', bias: tf.mul(bias, 0) }"],
  ['padding not taken off on the way back', 'layers', 'conv2d.ts', '[0, padding, padding, 0]', '[0, 0, 0, 0]'],
  ['a mean for the gradient of the bias', 'layers', 'conv2d.ts', 'db: tf.sum(', 'db: tf.mean('],
  ['a kernel transposed', 'layers', 'weights.ts', 'there: [2, 3, 1, 0]', 'there: [3, 2, 1, 0]'],
  ['a kernel a channel transposed', 'layers', 'weights.ts', 'there: [2, 3, 0, 1]', 'there: [3, 2, 0, 1]'],
  ['images turned upside down', 'layers', 'network.ts', "tf.tensor(new Float32Array(x), [...shape], 'float32')", "tf.reverse(tf.tensor(new Float32Array(x), [...shape], 'float32'), 2)"],
  ['taps turned on the way back', 'layers', 'depthwiseConv2d.ts', '{ dy, filter: weight }', '{ dy, filter: tf.reverse(weight, [0, 1]) }'],
  ["the deploy form's bias forgotten", 'layers', 'depthwiseConv2d.ts', "pad: 'same', bias }", "pad: 'same', bias: tf.mul(bias, 0) }"],
  ['the running variance biased', 'layers', 'batchNorm.ts', '(MOMENTUM * count) / (count - 1)', 'MOMENTUM'],
  ['running statistics the other way round', 'layers', 'batchNorm.ts', 'tf.mul(old, 1 - MOMENTUM)', 'tf.mul(old, MOMENTUM)'],
  ['statistics taken for constants', 'layers', 'batchNorm.ts', 'tf.sub(dy, viaStatistics)', 'dy'],
  ['γ forgotten on the way back', 'layers', 'batchNorm.ts', 'viaStatistics), tf.mul(weight, invStd))', 'viaStatistics), invStd)'],
  ['another ε', 'layers', 'batchNorm.ts', 'const EPS = 1e-6', 'const EPS = 1e-5'],
  ['the mean of the running ones not taken off', 'eval', 'batchNorm.ts', 'tf.sub(x, runningMean)', 'x'],
  ['λ ignored', 'layers', 'leakyRelu.ts', 'x, tf.mul(x, lambda)', 'x, tf.mul(x, 0)'],
  ['λ ignored on the way back', 'layers', 'leakyRelu.ts', 'dy, tf.mul(dy, lambda)', 'dy, tf.mul(dy, 0)'],
  ['the mean of a window', 'layers', 'maxPool2d.ts', 'tf.maxPool(', 'tf.avgPool('],
  ['a gradient by half', 'layers', 'maxPool2d.ts', '{ dy, input: x', '{ dy: tf.mul(dy, 0.5), input: x'],
  ['ties to the last', 'layers', 'adaptiveMaxPool2d.ts', 'tf.argMax<Matrix>(values, 1)', 'tf.sub(tf.scalar(height * width - 1, "int32"), tf.argMax(tf.reverse(values, 1), 1))'],
  ['windows that begin too late', 'layers', 'adaptiveMaxPool2d.ts', 'const start = Math.floor((i * size) / out)', 'const start = Math.min(size - 2, Math.ceil((i * size) / out))'],
  ['overlaps overwritten', 'layers', 'adaptiveMaxPool2d.ts', 'dx = tf.add(dx, tf.pad(', 'dx = tf.maximum(dx, tf.pad('],
  ['a sum for a mean on the way back', 'layers', 'globalAvgPool.ts', 'tf.div(dy, x.shape[1] * x.shape[2])', 'dy'],
  ['the mean of every pixel but the first', 'layers', 'globalAvgPool.ts', 'tf.mean(x, [1, 2], true)', 'tf.mean(tf.slice(x, [0, 0, 0, 0], [x.shape[0], x.shape[1], Math.max(1, x.shape[2] - 1), x.shape[3]]), [1, 2], true)'],
  ['dropout forgotten on the way back', 'layers', 'layers.ts', 'dx: tf.mul(dy, mask)', 'dx: dy'],
  ['dropout in eval, too', 'logits', 'layers.ts', 'mode.training ? (mode.mask ?? null) : null', 'mode.mask ?? tf.scalar(0.5)'],
  ['what is kept not scaled', 'steps', 'passes.ts', '1 / (1 - drop_rate)', '1'],
  ['dropout of one step', 'steps', 'passes.ts', '2 ** 31 + number', '2 ** 31'],
  ['no layer decay', 'steps', 'optimize.ts', 'by.lr * layerScale(layerDecay, layerId(name, stages), stages)', 'by.lr'],
  ['gradients that grow on their way', 'steps', 'network.ts', 'dy = dx;', 'dy = tf.mul(dx, 1.001);'],
  ['running statistics not kept', 'steps', 'training.ts', 'replace(this.#state, made.buffers);', ''],
  ['vectors that decay', 'vectors', 'optimize.ts', 'grad.rank > 1 || decayVectors', 'true'],
  ['shares taken to add up to 1', 'losses', 'crossEntropy.ts', 'tf.mul(p, tf.sum(q, 1, true))', 'p'],
  ['a sum over the batch', 'losses', 'crossEntropy.ts', 'q), logits.shape[0])', 'q), 1)'],
  ['a sum for the mean over the classes', 'losses', 'bceWithLogits.ts', 'tf.mean(', 'tf.sum('],
  ['the sigmoid of −x', 'losses', 'bceWithLogits.ts', 'tf.greater(logits, 0)', 'tf.greater(0, logits)'],
  ['a decay that is coupled, too', 'optimizers', 'adam.ts', 'decoupled ? grad :', 'false ? grad :'],
  ['a decay that is never coupled', 'optimizers', 'adam.ts', 'decoupled ? grad :', 'true ? grad :'],
  ['no correction of the first moment', 'optimizers', 'adam.ts', 'tf.div(m, 1 - beta1 ** t)', 'm'],
  ['no correction of the second moment', 'optimizers', 'adam.ts', 'tf.div(v, 1 - beta2 ** t)', 'v'],
  ['eps under the root', 'optimizers', 'adam.ts', 'tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** t)), eps)', 'tf.sqrt(tf.add(tf.div(v, 1 - beta2 ** t), eps))'],
  ['Nesterov without looking ahead', 'optimizers', 'sgd.ts', 'nesterov ?', 'false ?'],
  ['a dampened gradient', 'optimizers', 'sgd.ts', 'tf.add(tf.mul(buffer, momentum), g)', 'tf.add(tf.mul(buffer, momentum), tf.mul(g, 1 - momentum))'],
  ['a divisor below 1', 'optimizers', 'lamb.ts', 'tf.maximum(tf.sqrt(total), 1)', 'tf.sqrt(total)'],
  ['a ratio without decay, too', 'optimizers', 'lamb.ts', 'step.weightDecay === 0 ? u', 'false ? u'],
  ['a ratio of 0 for a tensor without a length', 'optimizers', 'lamb.ts', 'tf.where(both, tf.div(ofParam, ofUpdate), tf.tensor(1))', 'tf.div(ofParam, ofUpdate)'],
  ['what was replaced is not freed', 'leaks', 'weights.ts', 'state.get(name)?.dispose();', ''],
  ['maps that were read are not freed', 'leaks', 'backend.ts', 'for (const y of kept.values()) y.dispose();', ''],
];

const PARTS = ['adam', 'backend', 'bceWithLogits', 'crossEntropy', 'lamb', 'network', 'sgd', 'weights'];
const ENTRY = PARTS.map((name) => `export * as ${name} from './tfjs/${name}.js';`).join('\n');

/** Mutants of other suites have lower numbers. */
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

/** How it shows that it is broken, or null. Sound code passes every check and throws nothing. */
async function symptom(engine: EngineUnderTest, check: keyof typeof CHECKS): Promise<string | null> {
  try {
    const wrong = (await CHECKS[check](engine)).find(({ ok }) => !ok);
    return wrong === undefined ? null : `${wrong.check}: ${wrong.at}`;
  } catch (error) {
    return String(error);
  }
}

test('without a fault there is no symptom', async () => {
  const engine = await createMutant(FAULTS.length, 'none', 'conv2d.ts', "pad: 'valid', bias }", "pad: 'valid', bias }");
  for (const check of Object.keys(CHECKS)) {
    expect([check, await symptom(engine, check as keyof typeof CHECKS)]).toEqual([check, null]);
  }
});

test.each(FAULTS.map((fault, id) => ({ id, flaw: fault[0], fault })))('$flaw', async ({ id, flaw, fault }) => {
  const [, check, file, from, to] = fault;
  expect(await symptom(await createMutant(id, flaw, file, from, to), check)).not.toBeNull();
});
