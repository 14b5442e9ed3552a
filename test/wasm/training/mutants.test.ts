/** The judge of the units judged: a kernel with a fault put in must not pass. */
import { expect, test } from '@jest/globals';
import { compile, TRAINING_ENTRY } from '../compile.js';
import { accumulationMisfit } from './accumulationJudge.js';
import { averageMisfit } from './averageJudge.js';
import { NETWORKS } from './chain.js';
import { lossMisfit } from './lossJudge.js';
import { optimizerMisfit, STEPS } from './optimizerJudge.js';
import { passMisfit } from './pass.js';

type Mutant = readonly [what: string, file: string, from: string, to: string];

// prettier-ignore
const MUTANTS: readonly Mutant[] = [
  ['the weights one step behind', 'planes4x8.ts', 'b0 += 64;', 'b0 += 48;'],
  ['the second four columns of the first', 'planes4x8.ts', 'y = v128.load(b1, 32);', 'y = v128.load(b0, 32);'],
  ['the depth behind the first block skipped', 'conv2d.ts', 'k < depth; k += DEPTH', 'k < min(depth, DEPTH); k += DEPTH'],
  ['the pixels behind the first block skipped', 'conv2d.ts', 'p < pixels; p += PIXELS', 'p < min(pixels, PIXELS); p += PIXELS'],
  ['gradients added to those before', 'conv2d.ts', 'memory.fill(low, 0, 2 * rowBytes);', ''],
  ['no bias', 'conv2d.ts', 'v128.load(bias), v128.load(bias, 16)', 'v128.load(bias, 16), v128.load(bias, 16)'],
  ['the weight not transposed', 'conv2d.ts', 'conv.transposed + 16 * <usize>conv.k * block', 'conv.transposed'],
  ['pixels that fill up counted', 'conv2d.ts', 'const block = min(pixels - p, PIXELS);', 'const block = min(((pixels + 3) & ~3) - p, PIXELS);'],

  ['a variance of half the batch', 'batchNorm.ts', 'p + 2 <= pixels; p += 2', 'p + 2 <= pixels; p += 4'],
  ['the running variance biased', 'batchNorm.ts', 'f32x4.mul(variance, f32x4.splat(op.correction))', 'variance'],
  ['running statistics the other way round', 'batchNorm.ts', 'const keep = f32x4.splat(1 - op.momentum);', 'const keep = f32x4.splat(op.momentum);'],
  ['ReLU for any slope', 'batchNorm.ts', 'v128.bitselect(v, f32x4.mul(lambda, v), f32x4.gt(v, zero))', 'f32x4.pmax(v, zero)'],
  ['the slope forgotten on the way back', 'batchNorm.ts', 'v128.bitselect(up, f32x4.mul(lambda, up), f32x4.gt(v128.load(y + p), zero))', 'up'],
  ['statistics taken for constants', 'batchNorm.ts', 'f32x4.sub(v128.load(dy + p), viaStatistics)', 'v128.load(dy + p)'],
  ['the mean of the gradient kept', 'batchNorm.ts', 'f32x4.add(perPixel, f32x4.mul(f32x4.sub', 'f32x4.add(zero, f32x4.mul(f32x4.sub'],
  ['γ forgotten', 'batchNorm.ts', 'const scale = f32x4.mul(v128.load(op.weight + at), invStd);\n    const perPixel', 'const scale = invStd;\n    const perPixel'],

  ['no ReLU', 'maxPool2d.ts', 'f32x4.pmax(largest, zero)', 'largest'],
  ['gradients to every maximum', 'maxPool2d.ts', 'open = v128.andnot(open, here);', ''],
  ['overlaps overwritten', 'maxPool2d.ts', 'f32x4.add(v128.load(dx + at), v128.and(here, g))', 'v128.bitselect(g, v128.load(dx + at), here)'],
  ['gradients of before kept', 'maxPool2d.ts', 'memory.fill(dx, 0, mapBytes * <usize>op.n);', ''],

  ['taps not turned on the way back', 'depthwiseConv2d.ts', 'PIXEL * <usize>(taps - 1 - i)', 'PIXEL * <usize>i'],
  ['a row of taps too few', 'depthwiseConv2d.ts', 'min(h, h + n - i) - top', 'min(h, h + n - i) - top - 1'],
  ['taps behind the seventh left out', 'depthwiseConv2d.ts', 'pass < passes; pass++', 'pass < 1; pass++'],
  ['the first image alone', 'depthwiseConv2d.ts', 'x += mapBytes;\n      dy += mapBytes;', ''],
  ['sums of the panel before kept', 'depthwiseConv2d.ts', 'memory.fill(sums, 0, sumRowBytes * <usize>kernel);', ''],

  ['a sum for a mean', 'globalAvgPool.ts', 'f32x4.div(sumPlane(x, op.size), size)', 'sumPlane(x, op.size)'],
  ['dropout forgotten on the way back', 'globalAvgPool.ts', 'f32x4.mul(v128.load(op.dy + from), v128.load(op.mask + from))', 'v128.load(op.dy + from)'],
  ['what is kept not scaled', 'dropout.ts', '<f32>(1 / (1 - op.rate))', '<f32>1'],
  ['another draw', 'philox.ts', 'k1 += W1;', 'k1 += W0;'],
  ['the last pixels of a sum left out', 'sumPlane.ts', 'for (; p < pixels; p++)', 'for (; p < 0; p++)'],

  ['windows one row off', 'windows.ts', 'oy * op.stride - op.padding + i', 'oy * op.stride - op.padding + i + 1'],
  ['columns outside of the image read', 'windows.ts', 'column >= 0 && column + 4 <= w', 'column + 4 <= w'],

  ["the deploy form's bias forgotten", 'depthwiseConv2d.ts', 'op.bias == 0 ? scratch', 'true ? scratch'],
  ['a bias on the way back', 'depthwiseConv2d.ts', 'correlate(op, op.dx + at, op.dy + at, flipped, scratch, scratch)', 'correlate(op, op.dx + at, op.dy + at, flipped, op.bias == 0 ? scratch : op.bias, scratch)'],
  ["the bias' gradient that of one image", 'depthwiseConv2d.ts', 'sumPlane(op.dy + plane, op.images * h * w)', 'sumPlane(op.dy + plane, h * w)'],
];

/** What comes behind the units. */
// prettier-ignore
const STEP_MUTANTS: readonly Mutant[] = [
  ['a decay that is never decoupled', 'adam.ts', 'op.decoupled ? 0 : op.weightDecay', 'op.weightDecay'],

  ['Nesterov without looking ahead', 'sgd.ts', 'nesterov ? f32x4.add(g, f32x4.mul(momentum, b)) : b', 'b'],
  ['the momentum not kept', 'sgd.ts', 'v128.store(op.momenta + at, b);', ''],

  ['clipped by the first panel', 'clip.ts', 'panel < op.panels; panel++) total', 'panel < 1; panel++) total'],
  ['a divisor below 1', 'clip.ts', 'max<f64>(1, sqrt(total))', 'sqrt(total)'],
  ['the decay outside of the ratio', 'lamb.ts', 'f32x4.add(adapted, f32x4.mul(f32x4.splat(op.weightDecay), v128.load(op.param + at)))', 'adapted'],
  ['a ratio without decay, too', 'lamb.ts', 'if (op.weightDecay == 0) return 1;', ''],
  ['norms of the first panel', 'lamb.ts', 'panel < op.panels; panel++) {\n    const squares = op.squares', 'panel < 1; panel++) {\n    const squares = op.squares'],
  ['half of every vector squared', 'squares.ts', 'f64x2.add(f64x2.add(sum, f64x2.mul(low, low)), f64x2.mul(high, high))', 'f64x2.add(f64x2.add(sum, f64x2.mul(low, low)), f64x2.mul(low, low))'],

  ['a sum that goes on from the step before', 'accumulate.ts', 'op.passes == 1', 'false'],
  ['a sum that is not kept', 'accumulate.ts', 'v128.store(op.sum + at, sum);', ''],
  ['a sum for the mean of the passes', 'accumulate.ts', 'f32x4.div(sum, passes)', 'sum'],
  ['the first panels of gradients alone', 'accumulate.ts', 'min(to * PANEL, op.count)', 'min(PANEL, op.count)'],

  ['an exchange one way', 'ema.ts', 'v128.store(op.state + at, average);', ''],

  ['a sum for the mean over the classes', 'bceWithLogits.ts', 'total / <f64>op.classes', 'total'],
  ['the sigmoid of −x', 'bceWithLogits.ts', 'x > 0 ? 1 / (1 + e) : e / (1 + e)', 'x > 0 ? e / (1 + e) : 1 / (1 + e)'],
  ['a series too short', 'exp.ts', 'let i = 33;', 'let i = 9;'],
  ['gradients of classes that are not there', 'softmaxCrossEntropy.ts', 'store<f32>(dx + classAt(c, pitchBytes), 0)', ''],
  ['shares that do not add up to 1', 'softmaxCrossEntropy.ts', 'p * weight -', 'p -'],
];

/** Those that are worked out soonest first: most faults show in any. */
const SOONEST = [8, 7, 3, 4, 5, 1, 2, 0, 6].map((i) => NETWORKS[i]);

async function symptom(wasm: Uint8Array): Promise<string | null> {
  for (const network of SOONEST) {
    try {
      const wrong = await passMisfit(wasm, 0.25, network);
      if (wrong !== null) return wrong;
    } catch (trap) {
      if (trap instanceof Error && trap.name === 'RuntimeError') return trap.message;
      throw trap;
    }
  }
  return null;
}

async function stepSymptom(wasm: Uint8Array): Promise<string | null> {
  const [, odd, , ten, , , deep] = NETWORKS;
  for (const loss of ['bce', 'cross-entropy'] as const) {
    const wrong = await lossMisfit(wasm, ten, loss, 2);
    if (wrong !== null) return wrong;
  }
  for (const network of [odd, deep]) {
    for (const [, step, count, size] of STEPS) {
      const wrong = await optimizerMisfit(wasm, network, step, count, size);
      if (wrong !== null) return wrong;
    }
    const wrong = (await accumulationMisfit(wasm, network)) ?? (await averageMisfit(wasm, network, 0.9));
    if (wrong !== null) return wrong;
  }
  return null;
}

test('without a fault there is no symptom, whatever the network', async () => {
  expect(new Set(SOONEST)).toEqual(new Set(NETWORKS));
  const wasm = await compile('plain', TRAINING_ENTRY);
  expect([await symptom(wasm), await stepSymptom(wasm)]).toEqual([null, null]);
});

test.each(STEP_MUTANTS)('%s (%s)', async (_, file, from, to) => {
  expect(
    await stepSymptom(await compile('plain', TRAINING_ENTRY, { file: `training/${file}`, from, to })),
  ).not.toBeNull();
});

test.each(MUTANTS)('%s (%s)', async (_, file, from, to) => {
  expect(await symptom(await compile('plain', TRAINING_ENTRY, { file: `training/${file}`, from, to }))).not.toBeNull();
});
