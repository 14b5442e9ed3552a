/** Tests of the tests: each mutation below puts a mistake into a copy of the reference, which its op's tests must find. */
import { expect, test } from '@jest/globals';
import * as reference from '../../reference/index.js';
import { judgeErrors } from '../judges/errors.js';
import { judgeFacts } from '../judges/facts.js';
import { judgeGoldens } from '../judges/golden.js';
import { judgeGradients } from '../judges/gradient.js';
import { createMutant, type Mutation } from '../judges/mutant.js';
import type { OpSpec, Reference } from '../judges/opSpec.js';
import { OPS } from './ops/all.js';

const MUTATIONS: Readonly<Record<string, readonly Mutation[]>> = {
  conv2d: [
    {
      flaw: 'a dropped tap',
      file: 'conv2d.ts',
      from: 'if (column < 0 || column >= w) continue;\n              for (let inner = 0; inner < c; inner++) {\n                sum',
      to: 'if (column < 0 || column >= w || (kw > 1 && j === kw - 1)) continue;\n              for (let inner = 0; inner < c; inner++) {\n                sum',
    },
    {
      flaw: 'padding off by one',
      file: 'conv2d.ts',
      from: 'const row = r * stride + i - padding;\n            if (row < 0 || row >= h) continue; // the padding is zero',
      to: 'const row = r * stride + i - padding + 1;\n            if (row < 0 || row >= h) continue;',
    },
    { flaw: 'a bias that is left out', file: 'conv2d.ts', from: 'bias === null ? 0 : bias.get(out)', to: '0' },
    {
      flaw: 'a bias gradient of one image',
      file: 'conv2d.ts',
      from: 'db.set(out, db.get(out) + g)',
      to: 'db.set(out, image === 0 ? db.get(out) + g : db.get(out))',
    },
    {
      flaw: 'output rounded up',
      file: 'conv2d.ts',
      from: 'Math.floor((size + 2 * padding - kernel) / stride)',
      to: 'Math.ceil((size + 2 * padding - kernel) / stride)',
    },
  ],
  depthwiseConv2d: [
    {
      flaw: 'a dropped tap',
      file: 'depthwiseConv2d.ts',
      from: 'let sum = b;\n          for (let i = 0;',
      to: 'let sum = b;\n          for (let i = 1;',
    },
    {
      flaw: 'a flipped kernel',
      file: 'depthwiseConv2d.ts',
      from: 'sum += weight.get(channel, 0, i, j)',
      to: 'sum += weight.get(channel, 0, kh - 1 - i, j)',
    },
    {
      flaw: 'stride ignored in backward',
      file: 'depthwiseConv2d.ts',
      from: 'const column = s * stride + j - padding;\n              if (column < 0 || column >= w) continue;\n              const',
      to: 'const column = s + j - padding;\n              if (column < 0 || column >= w) continue;\n              const',
    },
  ],
  batchNorm: [
    { flaw: 'another default eps', file: 'batchNorm.ts', from: 'BATCH_NORM_EPS = 1e-6', to: 'BATCH_NORM_EPS = 1e-5' },
    {
      flaw: 'eps outside the root',
      file: 'batchNorm.ts',
      from: '1 / Math.sqrt(variance + eps)',
      to: '1 / (Math.sqrt(variance) + eps)',
    },
    { flaw: 'a biased running variance', file: 'batchNorm.ts', from: 'squares / (count - 1)', to: 'squares / count' },
    {
      flaw: 'momentum the other way round',
      file: 'batchNorm.ts',
      from: '(1 - momentum) * runningMean.get(channel) + momentum * mean',
      to: 'momentum * runningMean.get(channel) + (1 - momentum) * mean',
    },
    {
      flaw: 'statistics taken for constants',
      file: 'batchNorm.ts',
      from: 'training ? (dBeta + hat * dGamma) / count : 0',
      to: '0',
    },
    {
      flaw: 'eval differentiated as training',
      file: 'batchNorm.ts',
      from: 'training ? (dBeta + hat * dGamma) / count : 0',
      to: '(dBeta + hat * dGamma) / count',
    },
    {
      flaw: 'a batch of one accepted',
      file: 'batchNorm.ts',
      from: 'if (training && count === 1)',
      to: 'if (training && count === 0)',
    },
  ],
  leakyRelu: [
    {
      flaw: 'slope 0 read as absent',
      file: 'leakyRelu.ts',
      from: 'map(x, (v) => (v > 0 ? v : lambda * v))',
      to: 'map(x, (v) => (v > 0 ? v : (lambda || 0.01) * v))',
    },
    { flaw: 'slope 1 − λ', file: 'leakyRelu.ts', from: 'v : lambda * v))', to: 'v : (1 - lambda) * v))' },
    {
      flaw: 'the other slope at the kink',
      file: 'leakyRelu.ts',
      from: '(v > 0 ? g : lambda * g)',
      to: '(v >= 0 ? g : lambda * g)',
    },
  ],
  maxPool2d: [
    {
      flaw: 'a window one too narrow',
      file: 'maxPool2d.ts',
      from: 'o * stride + kernelSize,',
      to: 'o * stride + kernelSize - 1,',
    },
    {
      flaw: 'output rounded up',
      file: 'maxPool2d.ts',
      from: 'Math.floor((size - kernelSize) / stride)',
      to: 'Math.ceil((size - kernelSize) / stride)',
    },
    { flaw: 'a tie given to the last', file: 'windowMax.ts', from: 'if (v > best ||', to: 'if (v >= best ||' },
    { flaw: 'NaN lost', file: 'windowMax.ts', from: ' || (Number.isNaN(v) && !Number.isNaN(best))', to: '' },
    {
      flaw: 'stride 1 by default',
      file: 'maxPool2d.ts',
      from: '{ kernelSize, stride = kernelSize }',
      to: '{ kernelSize, stride = 1 }',
    },
  ],
  adaptiveMaxPool2d: [
    { flaw: 'a window that ends at the floor', file: 'adaptiveMaxPool2d.ts', from: 'Math.ceil(', to: 'Math.floor(' },
    {
      flaw: 'overlapping gradients overwritten',
      file: 'windowMax.ts',
      from: 'dx.get(image, channel, row, column) + dy.get(image, channel, r, s)',
      to: 'dy.get(image, channel, r, s)',
    },
  ],
  globalAvgPool: [
    {
      flaw: 'a sum',
      file: 'globalAvgPool.ts',
      from: 'y.set(image, channel, 0, 0, sum / (h * w))',
      to: 'y.set(image, channel, 0, 0, sum)',
    },
    {
      flaw: 'a whole gradient for every pixel',
      file: 'globalAvgPool.ts',
      from: 'dy.get(image, channel, 0, 0) / (h * w)',
      to: 'dy.get(image, channel, 0, 0)',
    },
  ],
  dropout: [
    { flaw: 'no rescaling', file: 'dropout.ts', from: '(v * keep) / (1 - rate)', to: 'v * keep' },
    { flaw: 'the rate inverted', file: 'dropout.ts', from: '< rate ? 0 : 1', to: '< rate ? 1 : 0' },
  ],
  dropPath: [
    {
      flaw: 'elements for samples',
      file: 'dropPath.ts',
      from: 'mask.get(Math.floor(i / sample))',
      to: 'mask.get(i % shape[0])',
    },
  ],
  softmax: [
    { flaw: 'logits that overflow', file: 'softmax.ts', from: 'Math.max(max, x.get(row, c))', to: '0' },
    {
      flaw: 'the diagonal alone',
      file: 'softmax.ts',
      from: 'y.get(i, c) * (dy.get(i, c) - mean)',
      to: 'y.get(i, c) * dy.get(i, c)',
    },
  ],
  logSoftmax: [
    {
      flaw: 'a gradient without the normalizer',
      file: 'softmax.ts',
      from: 'dy.get(i, c) - Math.exp(y.get(i, c)) * total',
      to: 'dy.get(i, c)',
    },
  ],
  labelSmoothingCrossEntropy: [
    {
      flaw: 'a sum over the batch',
      file: 'labelSmoothingCrossEntropy.ts',
      from: 'return loss / n;',
      to: 'return loss;',
    },
    {
      flaw: 'a smoothing of 0 read as absent',
      file: 'labelSmoothingCrossEntropy.ts',
      from: 'loss -= (smoothing / classes)',
      to: 'loss -= ((smoothing || 0.1) / classes)',
    },
    {
      flaw: 'mass spread over the other classes only',
      file: 'labelSmoothingCrossEntropy.ts',
      from: '(c === targets[i] ? 1 - smoothing : 0) + smoothing / classes',
      to: 'c === targets[i] ? 1 - smoothing : smoothing / (classes - 1)',
    },
  ],
  bceWithLogits: [
    {
      flaw: 'exp that overflows',
      file: 'bceWithLogits.ts',
      from: 'Math.log1p(Math.exp(-Math.abs(x)))',
      to: 'Math.log1p(Math.exp(-x))',
    },
    {
      flaw: 'a mean over the batch alone',
      file: 'bceWithLogits.ts',
      from: '- t) / logits.size',
      to: '- t) / logits.shape[0]',
    },
  ],
  adam: [
    { flaw: 'no bias correction', file: 'adam.ts', from: '[1 - beta1 ** step, 1 - beta2 ** step]', to: '[1, 1]' },
    { flaw: 'decoupled decay', file: 'adam.ts', from: 'gradient + weightDecay * p', to: 'gradient' },
    {
      flaw: 'eps inside the root',
      file: 'adam.ts',
      from: '(Math.sqrt(b / correction2) + eps)',
      to: 'Math.sqrt(b / correction2 + eps)',
    },
  ],
  cosineAnnealing: [
    { flaw: 'half the period', file: 'cosineAnnealing.ts', from: 'Math.PI * t', to: '2 * Math.PI * t' },
  ],
  lambdaSchedule: [
    { flaw: 'λ that falls', file: 'lambdaSchedule.ts', from: "'linear' ? t :", to: "'linear' ? 1 - t :" },
    { flaw: 'λ above 1', file: 'lambdaSchedule.ts', from: 'if (epoch >= decayEpochs) return 1;', to: '' },
  ],
  truncatedNormal: [
    {
      flaw: 'limits in units of std',
      file: 'truncatedNormal.ts',
      from: 'normalCdf((a - mean) / std)',
      to: 'normalCdf(a - mean)',
    },
    { flaw: 'a coefficient off in the 12th digit', file: 'normal.ts', from: '3.3871328727963665', to: '3.3871328727' },
  ],
  philox: [
    { flaw: 'nine rounds', file: 'philox.ts', from: 'const ROUNDS = 10', to: 'const ROUNDS = 9' },
    {
      flaw: 'stream and index exchanged',
      file: 'philox.ts',
      from: '[index, stream, 0, 0]',
      to: '[stream, index, 0, 0]',
    },
  ],
  seriesActivation: [
    {
      flaw: 'no ReLU',
      file: 'seriesActivation.ts',
      from: 'const rectified = leakyRelu(x, 0);',
      to: 'const rectified = leakyRelu(x, 1);',
    },
    {
      flaw: 'no ReLU in backward',
      file: 'seriesActivation.ts',
      from: 'dx: leakyReluBackward(conv.dx, x, 0)',
      to: 'dx: conv.dx',
    },
    {
      flaw: 'a half width off by one',
      file: 'seriesActivation.ts',
      from: '(weight.shape[2] - 1) / 2',
      to: '(weight.shape[2] + 1) / 2',
    },
  ],
  vanillaNet: [
    {
      flaw: 'a plain stem for adaptive pooling',
      file: 'vanillaNet.ts',
      from: '{ stride: 3, padding: 1 } :',
      to: '{ stride: 4, padding: 0 } :',
    },
    {
      flaw: 'pooling where the stride is 1',
      file: 'block.ts',
      from: 'if (stride === 1) return [];',
      to: 'if (stride === 1 && ada === 0) return [];',
    },
    { flaw: 'dropout of one seed', file: 'layers.ts', from: 'DROPOUT_STREAM + step', to: 'DROPOUT_STREAM' },
    { flaw: 'the chain read forwards', file: 'vanillaNet.ts', from: '[...steps].reverse()', to: '[...steps]' },
    {
      flaw: 'a stem without λ',
      file: 'layers.ts',
      from: 'if (lambda === undefined)',
      to: 'lambda ??= 1;\n    if (lambda === null)',
    },
  ],
  crossEntropy: [
    { flaw: 'shares taken to add up to 1', file: 'crossEntropy.ts', from: '* total -', to: '-' },
    { flaw: 'a sum over the batch', file: 'crossEntropy.ts', from: '/ logits.shape[0]', to: '' },
  ],
  adamw: [
    { flaw: 'a decay without the rate', file: 'adam.ts', from: '1 - lr * weightDecay', to: '1 - weightDecay' },
    { flaw: 'a decay that is also coupled', file: 'adam.ts', from: 'decoupled ? gradient :', to: 'false ? gradient :' },
  ],
  sgd: [
    { flaw: 'Nesterov without the option', file: 'sgd.ts', from: 'nesterov ? zip', to: 'true ? zip' },
    {
      flaw: 'a dampened gradient',
      file: 'sgd.ts',
      from: 'momentum * b + gradient)',
      to: 'momentum * b + (1 - momentum) * gradient)',
    },
  ],
  lamb: [
    { flaw: 'a ratio even without decay', file: 'lamb.ts', from: 'weightDecay !== 0 && ofParam', to: 'ofParam' },
    { flaw: 'gradients not clipped', file: 'lamb.ts', from: 'gradient / divisor', to: 'gradient' },
    {
      flaw: 'gradients made longer',
      file: 'lamb.ts',
      from: 'Math.max(1, Math.sqrt(squares))',
      to: 'Math.sqrt(squares)',
    },
  ],
  layerScale: [
    { flaw: 'stages one too early', file: 'layerScale.ts', from: 'Number(stage[1]) + 1', to: 'Number(stage[1])' },
  ],
  ema: [
    {
      flaw: 'the other way round',
      file: 'ema.ts',
      from: 'decay * e + (1 - decay) * p',
      to: 'decay * p + (1 - decay) * e',
    },
    { flaw: 'counters averaged', file: 'ema.ts', from: "name.endsWith('.num_batches_tracked')", to: 'false' },
  ],
  fuse: [
    { flaw: 'λ not checked', file: 'fuse.ts', from: 'if (lambda !== 1)', to: 'if (lambda === undefined)' },
    { flaw: 'another eps', file: 'fuse.ts', from: 'v + BATCH_NORM_EPS', to: 'v + 10 * BATCH_NORM_EPS' },
    {
      flaw: 'the first bias dropped',
      file: 'fuse.ts',
      from: 'sum += second.weight.get(out, m, 0, 0) * first.bias.get(m)',
      to: 'sum += 0 * first.bias.get(m)',
    },
    { flaw: 'the mean not subtracted', file: 'fuse.ts', from: '(bias.get(out) - mean.get(out))', to: 'bias.get(out)' },
    {
      flaw: 'matrices multiplied the wrong way round',
      file: 'fuse.ts',
      from: 'const factor = second.weight.get(out, m, 0, 0);',
      to: 'const factor = second.weight.get(m % k, out % middle, 0, 0);',
    },
    {
      flaw: 'an activation bias forgotten',
      file: 'fuse.ts',
      from: 'foldBatchNorm({ weight, bias: zeros([weight.shape[0]]) }, state, `${name}.bn`)',
      to: '{ ...foldBatchNorm({ weight, bias: zeros([weight.shape[0]]) }, state, `${name}.bn`), bias: zeros([weight.shape[0]]) }',
    },
    {
      flaw: 'infinite weights accepted',
      file: 'fuse.ts',
      from: 'values.findIndex((v) => !Number.isFinite(v))',
      to: 'values.findIndex((v) => Number.isNaN(v))',
    },
  ],
  config: [
    {
      flaw: 'dims not compared with strides',
      file: 'config.ts',
      from: 'dims.length !== strides.length + 1',
      to: 'dims.length < 1',
    },
  ],
};

function judgeAll(ref: Reference, spec: OpSpec): void {
  judgeGoldens(ref, spec);
  judgeGradients(ref, spec);
  judgeErrors(ref, spec);
  judgeFacts(ref, spec);
}

test('every op has a mutant', () => {
  expect(Object.keys(MUTATIONS).sort()).toEqual(OPS.map(({ op }) => op).sort());
});

const rows = OPS.flatMap((spec) => MUTATIONS[spec.op].map((mutation) => ({ spec, mutation })));

test.each(rows.map(({ spec, mutation }, id) => [spec.op, mutation.flaw, { spec, mutation, id }] as const))(
  '%s: %s is found',
  async (_op, _flaw, { spec, mutation, id }) => {
    const mutant = await createMutant(mutation, id);
    expect(() => {
      judgeAll(mutant, spec);
    }).toThrow();
  },
);

test('a copy without a mistake passes', async () => {
  const copy = await createMutant(
    { flaw: 'none', file: 'conv2d.ts', from: 'let sum = bias', to: 'let sum = bias' },
    rows.length,
  );
  expect(copy.conv2d).not.toBe(reference.conv2d);
  for (const spec of OPS) judgeAll(copy, spec);
});
